"""Answers made of text that is ready: JSON that the database has written, and pages."""

from hashlib import sha256
from typing import Any

from fastapi import Request, Response

Header = tuple[bytes, bytes]

# no-cache: the reader must ask again each time, and is told cheaply when nothing has changed.
_CACHE_CONTROL = (b"cache-control", b"no-cache")
_JSON = (b"content-type", b"application/json")
_HTML = (b"content-type", b"text/html; charset=utf-8")

# Of an address that answers programs and browsers differently.
VARY_ACCEPT = (b"vary", b"accept")

# What OpenAPI says of it: a route's `responses` and its `openapi_extra`.
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client holds the answer already: one of If-None-Match is its ETag"}
}
CONDITIONAL: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "The ETag of an answer that the client holds, a list of them, or `*`",
        }
    ]
}


def json_answer(request: Request, body: str, *headers: Header) -> Response:
    """Return the JSON text as the answer, or 304 where the client holds it already."""
    return _answer(request, body, _JSON, *headers)


def html_answer(request: Request, body: str, policy: str) -> Response:
    """Return the page as the answer, or 304; `policy` is its Content-Security-Policy."""
    headers = (VARY_ACCEPT, (b"content-security-policy", policy.encode()))
    return _answer(request, body, _HTML, *headers)


def _answer(request: Request, body: str, content_type: Header, *more: Header) -> Response:
    # The ETag is over the body's bytes: equal tags mean equal answers (RFC 9110, 8.8.3).
    content = body.encode()
    tag = b'"%b"' % sha256(content).hexdigest()[:32].encode()
    headers = [_CACHE_CONTROL, (b"etag", tag), *more]
    if _holds(request, tag):
        return _Ready(304, b"", headers)
    length = (b"content-length", b"%d" % len(content))
    return _Ready(200, content, [content_type, length, *headers])


class _Ready(Response):
    """A response whose headers are bytes already: making them of text costs as much as the rest."""

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = headers
        self.background = None


def _holds(request: Request, tag: bytes) -> bool:
    # A header that is given twice means the list of both.
    given = [value for name, value in request.scope["headers"] if name == b"if-none-match"]
    tags = [one.strip().removeprefix(b"W/") for value in given for one in value.split(b",")]
    return tag in tags or b"*" in tags
