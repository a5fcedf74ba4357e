"""The application with routes that do what real ones may: `tests.app.probe:app`.

The routes stand under /probe; each is there for what surrounds it.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text

from app.api.answers import json_answer
from app.conduct.clients import client_of
from app.conduct.exchange import without_time_limit
from app.conduct.policies import Policy, limited
from app.database import SessionDep, reader_of
from app.main import app

router = APIRouter(prefix="/probe")
logger = logging.getLogger(__name__)


class Strict(BaseModel):
    """A body that has a name and nothing else."""

    model_config = ConfigDict(extra="forbid")

    name: str


@router.get("/read/")
@router.get("/read")
@limited(Policy.ENTITY_READ)
async def read(request: Request, code: int = 200) -> Response:
    """Answer with a Response of its own, or raise."""
    if code >= 400:
        raise HTTPException(code, "So it was asked for.")
    return json_answer(request, '{"read": true}')


@router.get("/listed")
@limited(Policy.ENTITY_LIST)
async def listed(request: Request) -> list[str]:
    """Answer with a value."""
    return []


@router.get("/other")
@limited(Policy.ENTITY_READ)
async def other(request: Request) -> None:
    """Stand beside /read under the same policy."""


@router.get("/etag")
async def etag(request: Request) -> Response:
    """Answer with an ETag, without a limit."""
    return json_answer(request, '{"read": true}')


@router.get("/logging")
async def logging_route(text: str, pause: float = 0) -> None:
    """Write a line to the log."""
    await asyncio.sleep(pause)
    logger.info(text)


@router.get("/who")
async def who(request: Request) -> dict[str, str]:
    """Tell how the request is seen."""
    return {"client": client_of(request.scope), "url": str(request.url)}


@router.post("/name")
async def name(body: Strict) -> int:
    """Take a strict body."""
    return len(body.name)


@router.post("/any")
async def anything(body: dict[str, Any]) -> int:
    """Take any object."""
    return len(body)


@router.post("/raw")
async def raw(request: Request) -> int:
    """Read the body itself."""
    return len(await request.body())


@router.get("/broken")
async def broken() -> None:
    """Fail."""
    raise RuntimeError("secret reason")


@router.get("/file")
async def file() -> None:
    """Fail by an error of the system that is not the database's."""
    raise FileNotFoundError(2, "secret file")


@router.post("/stored")
async def stored(body: Annotated[dict[str, Any], Body()], session: SessionDep) -> None:
    """Have the database store text and JSON as they come."""
    connection = await session.connection()
    values = {"id": body.get("id", "x"), "label": body.get("label", "x")}
    await connection.execute(
        text("INSERT INTO modules (module_id, label) VALUES (:id, :label)"), values
    )
    await connection.execute(text("SELECT CAST(:body AS jsonb)"), {"body": json.dumps(body)})


@router.get("/text")
async def read_text(request: Request, value: str) -> Response:
    """Have the database read the client's text."""
    found = await reader_of(request).value("SELECT $1::text", value)
    if found is None:
        raise HTTPException(404, "Nothing is called so.")
    return Response(found)


@router.post("/slow")
async def slow(session: SessionDep, seconds: float, marker: str) -> None:
    """Write, then be in one statement for so many seconds."""
    connection = await session.connection()
    await connection.execute(
        text("INSERT INTO modules (module_id, label) VALUES (:id, 'x')"), {"id": marker}
    )
    await connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})


@router.post("/idle")
async def idle(session: SessionDep, seconds: float, marker: str) -> None:
    """Write, then do nothing for so many seconds within the transaction."""
    connection = await session.connection()
    await connection.execute(
        text("INSERT INTO modules (module_id, label) VALUES (:id, 'x')"), {"id": marker}
    )
    await asyncio.sleep(seconds)


@router.get("/sleep")
async def sleep(request: Request, seconds: float) -> None:
    """Be in one statement of a reader for so many seconds."""
    await reader_of(request).value("SELECT pg_sleep($1)", seconds)


@router.get("/hang")
async def hang(seconds: float) -> None:
    """Hold the event loop, and with it everybody."""
    time.sleep(seconds)  # noqa: ASYNC251


@router.get("/stubborn")
async def stubborn(seconds: float) -> str:
    """Answer after so many seconds, cancelled or not."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        try:
            await asyncio.sleep(end - loop.time())
        except asyncio.CancelledError:
            continue
    return "too late"


@router.get("/patient", dependencies=[Depends(without_time_limit)])
async def patient(seconds: float) -> str:
    """Take so many seconds, and be allowed to."""
    await asyncio.sleep(seconds)
    return "in its own time"


@router.get("/stream")
async def stream(parts: int, pause: float) -> StreamingResponse:
    """Answer in parts, with a pause after each."""

    async def content() -> AsyncIterator[str]:
        for number in range(parts):
            yield f"{number}\n"
            await asyncio.sleep(pause)

    return StreamingResponse(content(), media_type="text/plain")


app.include_router(router)
