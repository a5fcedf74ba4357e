"""How the services of the stack are, as the start page shows it.

The backend reaches the database alone. Of the others it knows what the stack's status service says,
which reaches them all (infra/services/status_server.py).
"""

import asyncio
import logging
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from pydantic import HttpUrl, TypeAdapter

from app.config import Settings

logger = logging.getLogger(__name__)

# To each service's name the HTTP status by which it says how it is; None: it says nothing.
Answers = dict[str, int | None]
_ANSWERS = TypeAdapter(Answers)
_MOST = 64 * 1024  # bytes of them

# Seconds. The status service waits one for the slowest of those that it asks.
_LIMIT = 2.0


class StackStatus:
    """Asks the status service, one question at a time whoever waits for the answer."""

    def __init__(self, url: HttpUrl | None, request_timeout: float) -> None:
        self._url = url
        # Without an answer the page is to come in time all the same.
        self._limit = min(_LIMIT, request_timeout / 3)
        self._question: asyncio.Task[Answers] | None = None

    async def answers(self) -> Answers | None:
        """Return what the services say; None where nobody can be asked. Never raises."""
        if self._url is None:
            return None
        question = self._question
        if question is None or question.done():
            # In a thread: a lookup of a name that is gone blocks, and is not to be given up.
            question = asyncio.create_task(asyncio.to_thread(_ask, self._url))
            self._question = question
        await asyncio.wait({question}, timeout=self._limit)
        # Not self._question, which may be the next one by now.
        if not question.done():
            reason = f"nothing within {self._limit} s"
        elif error := question.exception():
            reason = repr(error)
        else:
            return question.result()
        logger.warning("the status service does not answer", extra={"reason": reason})
        return None


def _ask(url: HttpUrl) -> Answers:
    connection = HTTPConnection(url.host or "", url.port, timeout=_LIMIT)
    try:
        connection.request("GET", url.path or "/")
        answer = connection.getresponse()
        if answer.status != 200:
            raise HTTPException(f"status {answer.status}")
        return _ANSWERS.validate_json(answer.read(_MOST))
    finally:
        connection.close()


@dataclass(frozen=True)
class Service:
    """A line of the page; `well` is None where it is not known, `url` is where people open it."""

    name: str
    state: str
    well: bool | None = None
    url: HttpUrl | None = None


def rows(settings: Settings, database: bool, answers: Answers | None) -> list[Service]:
    """Return the lines: this API, its database, what people open, and what stands behind."""
    found = [
        Service("API", "answers", True),
        Service("Database", "connected" if database else "does not answer", database),
    ]
    told = dict(answers or {})
    for name, url in (("pgAdmin", settings.pgadmin_url), ("Grafana", settings.grafana_url)):
        if name in told:
            found.append(_told(name, told.pop(name), url))
        else:
            found.append(Service(name, "off" if url is None else "not known", url=url))
    found += [_told(name, status) for name, status in told.items()]
    if settings.status_url is not None and answers is None:
        found.append(Service("Status service", "does not answer", False))
    return found


def _told(name: str, status: int | None, url: HttpUrl | None = None) -> Service:
    if status is None:
        return Service(name, "does not answer", False, url)
    well = 200 <= status < 300
    return Service(name, "answers" if well else f"is not well ({status})", well, url)
