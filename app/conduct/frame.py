"""The outermost layer: what every answer has, whoever gives it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.conduct import request_ids
from app.conduct.policies import STANDING

Headers = list[tuple[bytes, bytes]]

_FIXED: Headers = [
    (b"referrer-policy", b"origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]

# An answer is data, never a page: nothing in it may be loaded, run or framed.
_DATA = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

# Swagger UI has an inline script, inline styles and icons in data: URLs. All else is this host's.
_DOCS = (
    b"content-security-policy",
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    b" img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
)
_DOCS_PATH = "/docs"


class Frame:
    """ASGI middleware: gives each request an id, and each answer that id and the fixed headers.

    Stands around the layer that answers 500, so that those answers have them too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_ids.take(_header(scope, b"x-request-id"))
        request_ids.current.set(request_id)

        async def send_framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()),
                    *_FIXED,
                    _DOCS if scope["path"].startswith(_DOCS_PATH) else _DATA,
                    (b"x-request-id", request_id.encode("ascii")),
                    *scope.get(STANDING, ()),
                ]
            await send(message)

        await self._app(scope, receive, send_framed)


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    for name, value in scope["headers"]:
        if name == wanted:
            found: bytes = value
            return found
    return None
