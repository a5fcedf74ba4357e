"""Errors as application/problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class ProblemResponse(JSONResponse):
    """A problem: `detail` is one sentence; no `instance`, which would echo a draft's token."""

    media_type = "application/problem+json"


def problem(status: int, detail: str, **more: Any) -> ProblemResponse:
    """Return the problem of this HTTP status; `more` are further members of its body."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return ProblemResponse({**body, "detail": detail, **more}, status_code=status)


class Refusal(HTTPException):
    """An HTTPException whose problem has further members."""

    def __init__(
        self, status: int, detail: str, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(status, detail, headers)
        self.members = members


async def _http_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # what it is registered for, below
    members = error.members if isinstance(error, Refusal) else {}
    response = problem(error.status_code, str(error.detail), **members)
    response.headers.update(error.headers or {})
    return response


async def _invalid_request(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # Only where and what: the rejected input itself is not echoed.
    errors = [{key: item[key] for key in ("loc", "msg", "type")} for item in error.errors()]
    return problem(422, "The request is not valid.", errors=errors)


async def _unexpected(request: Request, error: Exception) -> ProblemResponse:
    return problem(500, "An unexpected error has happened.")


def add_error_handlers(app: FastAPI) -> None:
    """Make the app answer every error as a problem. Unexpected ones are logged by the server."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(Exception, _unexpected)
