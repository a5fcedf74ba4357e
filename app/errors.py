"""Errors as application/problem+json (RFC 9457)."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.database_errors import DATABASE_ERRORS, out_of_room, unavailable, unstorable

logger = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"

# Said where FastAPI and Starlette only repeat the status.
_SENTENCES = {
    400: "The request cannot be read.",
    404: "There is nothing at this address.",
    405: "This address does not answer this method.",
}
_WORDS = {status: {HTTPStatus(status).phrase} for status in _SENTENCES}
_WORDS[400].add("There was an error parsing the body")

# Seconds after which asking again may help: about what a database takes to restart.
RETRY = {"Retry-After": "5"}


class ProblemResponse(JSONResponse):
    """A problem: `detail` is one sentence; no `instance`, which would echo a draft's token."""

    media_type = PROBLEM_JSON

    def render(self, content: Any) -> bytes:
        # What names the fault may be the client's own text, half of a surrogate pair included.
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


class Refusal(HTTPException):
    """An HTTPException whose problem has further members."""

    def __init__(
        self, status: int, detail: str, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(status, detail, headers)
        self.members = members


def problem(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> ProblemResponse:
    """Return the problem of this HTTP status; `more` are further members of its body."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return ProblemResponse({**body, "detail": detail, **more}, status, headers)


def too_slow() -> ProblemResponse:
    """Return the problem of a request that was given up for its time."""
    return problem(503, "The answer has taken too long.", headers=RETRY)


async def _http_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # what it is registered for, below
    status, detail = error.status_code, str(error.detail)
    if detail in _WORDS.get(status, ()):
        detail = _SENTENCES[status]
    members = error.members if isinstance(error, Refusal) else {}
    headers = {"Allow": _allowed(request)} if status == 405 else error.headers
    return problem(status, detail, headers=headers, **members)


def _allowed(request: Request) -> str:
    # Starlette names the methods of the first route at this address only.
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(request.scope["path"]):
            methods |= route.methods
    return ", ".join(sorted(methods))


async def _invalid_request(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    items = error.errors()
    match items:
        case [{"type": "json_invalid", "loc": ["body", int(where)], "ctx": {"error": reason}}]:
            return problem(400, f"The body is no JSON: {reason} at character {where}.")
    if isinstance(error.body, bytes):  # FastAPI parses no other content types
        return problem(415, "The body must be JSON, with Content-Type: application/json.")
    # Only where and what: the rejected input itself is not echoed.
    errors = [{key: item[key] for key in ("loc", "msg", "type")} for item in items]
    return problem(422, "The request is not valid.", errors=errors)


async def _database_error(request: Request, error: Exception) -> ProblemResponse:
    if unstorable(error):
        return problem(422, "The request holds what cannot be stored.", errors=[])
    if out_of_room(error):
        logger.error("database disk full", extra={"reason": f"{type(error).__name__}: {error}"})
        return problem(503, "The database has no room left to write.", headers=RETRY)
    if unavailable(error):
        logger.warning("database unavailable", extra={"reason": f"{type(error).__name__}: {error}"})
        return problem(503, "The database does not answer.", headers=RETRY)
    raise error


async def _gone(request: Request, error: Exception) -> ProblemResponse:
    return problem(400, _SENTENCES[400])  # to nobody; but it is no error of ours


async def _unexpected(request: Request, error: Exception) -> ProblemResponse:
    return problem(500, "An unexpected error has happened.")


def add_error_handlers(
    app: FastAPI, shown: Callable[[Request, ProblemResponse], Awaitable[Response]]
) -> None:
    """Make the app answer every error as a problem. Unexpected ones are logged by the server.

    `shown` returns what is answered: the problem, or another form of it.
    """

    def add(
        kind: type[Exception], explain: Callable[[Request, Exception], Awaitable[ProblemResponse]]
    ) -> None:
        async def answer(request: Request, error: Exception) -> Response:
            return await shown(request, await explain(request, error))

        app.add_exception_handler(kind, answer)

    add(HTTPException, _http_error)
    add(RequestValidationError, _invalid_request)
    add(ClientDisconnect, _gone)
    for kind in DATABASE_ERRORS:
        add(kind, _database_error)
    add(Exception, _unexpected)
