"""Liveness (/livez) and readiness (/health): what orchestrators and people ask first."""

import asyncio
import logging
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app import draining
from app.api.problems import problems
from app.config import Settings
from app.engine import make_engine
from app.errors import problem

logger = logging.getLogger(__name__)

router = APIRouter(tags=["health"])


class DatabaseProbe:
    """Asks the database one small question on a connection of its own.

    Not on the requests' pool: a busy service, all of whose connections are lent out, is still
    ready. Concurrent callers share one question, so a hanging database holds one connection only.
    """

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.health_timeout
        self._engine: AsyncEngine = make_engine(
            settings,
            application="ontology-hub health",
            command_timeout=settings.health_timeout,
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
        )
        self._question: asyncio.Task[None] | None = None
        self._was_connected = True

    async def connected(self) -> bool:
        """Tell whether the database answers within the health timeout; never raises."""
        question = self._question
        if question is None or question.done():
            question = self._question = asyncio.create_task(self._ask())
        # asyncio.wait, not wait_for: on a timeout the latter also waits until the cancelled
        # driver has closed its socket, seconds later, and /health would break its promise.
        await asyncio.wait({question}, timeout=self._timeout)
        if question.done():
            reason = None if question.cancelled() else question.exception()
            connected = reason is None and not question.cancelled()
        else:
            reason = TimeoutError(f"no answer within {self._timeout} s")
            connected = False
            question.cancel()
            # The next caller asks anew instead of joining the one that is being given up.
            self._question = None
            question.add_done_callback(_discard)
        self._log_change(connected, reason)
        return connected

    async def close(self) -> None:
        """Close the probe's connection."""
        await self._engine.dispose()

    async def _ask(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    def _log_change(self, connected: bool, reason: BaseException | None) -> None:
        if connected != self._was_connected:
            self._was_connected = connected
            if connected:
                logger.info("database connected")
            else:
                logger.error("database disconnected", extra={"reason": _one_line(reason)})


def _discard(question: "asyncio.Task[None]") -> None:
    if not question.cancelled():
        question.exception()  # read once, or asyncio logs "exception was never retrieved"


def _one_line(reason: BaseException | None) -> str:
    return f"{type(reason).__name__}: {reason}".splitlines()[0]


class Alive(BaseModel):
    """The answer of /livez."""

    status: Literal["alive"] = "alive"


class Healthy(BaseModel):
    """The answer of /health with status code 200."""

    status: Literal["healthy"] = "healthy"
    database: Literal["connected"] = "connected"


class Unhealthy(BaseModel):
    """The answer of /health with status code 503."""

    status: Literal["unhealthy"] = "unhealthy"
    database: Literal["disconnected"] = "disconnected"


# HEAD beside GET: monitors ask with it. The server leaves the body out.
@router.head("/livez", include_in_schema=False)
@router.get("/livez")
async def livez() -> Alive:
    """The process answers. An outage of the database does not make it fail."""
    return Alive()


@router.head("/health", include_in_schema=False, response_model=None)
@router.get(
    "/health",
    response_model=Healthy,
    responses={
        **problems({404: "The process is about to end: what comes next is for another one"}),
        503: {"model": Unhealthy, "description": "The database does not answer"},
    },
)
async def health(request: Request) -> Healthy | JSONResponse:
    """The process and its database answer."""
    if draining.begun():
        # Not 503: by a 404 the proxy tells one that is leaving from one that is broken.
        return problem(404, "This process is about to end.")
    probe: DatabaseProbe = request.app.state.database_probe
    if await probe.connected():
        return Healthy()
    return JSONResponse(Unhealthy().model_dump(), status_code=503)
