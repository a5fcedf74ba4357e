"""The outermost layer: what is done around every request, whoever answers it.

One layer for all of it: each further one would cost a request about as much as what it does.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from fastapi import Request
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.conduct import request_ids
from app.conduct.access_log import AccessLog
from app.conduct.bodies import CLOSE, Body
from app.conduct.clients import ForwardedHeaders
from app.conduct.deadlines import Deadlines
from app.conduct.policies import STANDING
from app.config import Settings
from app.errors import problem, too_slow

logger = logging.getLogger(__name__)

# Ready-made, here and elsewhere: an answer's headers are looked through for each request.
_FIXED = (
    (b"referrer-policy", b"origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)

# Of the pages only: of data it says nothing that nosniff does not. Swagger UI has an inline
# script, inline styles and icons in data: URLs; all else is this host's.
_PAGES = "/docs"
_PAGE_POLICY = (
    b"content-security-policy",
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    b" img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
)

# Where a request's scope keeps its exchange.
_EXCHANGE = "hub.exchange"

# What pages of other origins may read beside the headers that every page may.
_EXPOSED = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")


class Conduct:
    """ASGI middleware: ids, headers, sizes, times and the access log.

    Every answer has the fixed headers and X-Request-ID. A body above `settings.max_body_bytes` is
    refused (413). A request that has not begun its answer within `settings.request_timeout` is
    answered 503, or 408 where its body is still on the way, and cancelled: its statement is ended,
    its transaction rolled back. An answer that has begun may take any time.

    It stands around Starlette's own error layer too, so that all this is true of a 500.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        if settings.trusted_proxies:
            app = ForwardedHeaders(app, settings.trusted_proxies)
        self.readable = _cors(settings)
        self.app = self.readable(app)
        self.max_body_bytes = settings.max_body_bytes
        self.deadlines = Deadlines(settings.request_timeout)
        self._log = AccessLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            try:
                await self.app(scope, receive, send)
            finally:
                self._log.flush()  # the process may be ending
            return
        started = time.perf_counter()
        exchange = _Exchange(self, scope, receive, send)
        try:
            await exchange.run(started)
        finally:
            duration = time.perf_counter() - started
            self._log.add(scope, exchange.status, duration, time.time(), exchange.request_id)


class _Exchange:
    """One request and its answer."""

    __slots__ = (
        "_answer",
        "_body",
        "_conduct",
        "_receive",
        "_scope",
        "_send",
        "_task",
        "request_id",
        "status",
    )

    def __init__(self, conduct: Conduct, scope: Scope, receive: Receive, send: Send) -> None:
        self.status = 500  # where the application ends before it has begun to answer
        self._conduct = conduct
        self._scope = scope
        self._send = send
        self._answer: asyncio.Task[None] | None = None  # the one given instead of the application's
        self._body: Body | None = None
        given = length = chunked = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value
            elif name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                chunked = value
        self.request_id = request_ids.take(given)
        if length is not None or chunked is not None:
            self._body = Body(receive, conduct.max_body_bytes, length)
            receive = self._body.receive
        self._receive = receive

    async def run(self, started: float) -> None:
        """Have the application answer, in time."""
        request_ids.current.set(self.request_id)
        refusal = self._body.refusal() if self._body is not None else None
        if refusal is not None:
            await self._conduct.readable(refusal)(self._scope, self._receive, self._send_framed)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # this is a coroutine
        self._task = task
        self._scope[_EXCHANGE] = self
        self._conduct.deadlines.watch(self, started)
        try:
            await self._conduct.app(self._scope, self._receive, self._send_in_time)
        except BaseException as error:
            if self._answer is None:
                raise
            if not isinstance(error, asyncio.CancelledError):
                logger.warning("a request that was cut has failed", exc_info=True)
        finally:
            self.take_time()
            del self._scope[_EXCHANGE]  # a circle would wait for the garbage collector
        if self._answer is not None:
            # Else whoever awaits within this task later is cancelled for what is over.
            if task.uncancel() > 0:
                raise asyncio.CancelledError  # the server is ending
            await self._answer

    def take_time(self) -> None:
        """Lift the time limit."""
        self._conduct.deadlines.release(self)

    def cut(self) -> None:
        """Answer in the application's place, at once, and cancel it.

        Not after it has unwound, as with asyncio.timeout: a driver whose database has fallen
        silent takes ten seconds for that.
        """
        if self._body is not None and self._body.awaited:
            response = problem(408, "The request's body has not arrived in time.", headers=CLOSE)
        else:
            logger.warning("request cut", extra={"request_id": self.request_id})
            response = too_slow()
        answer = self._conduct.readable(response)
        self._answer = asyncio.get_running_loop().create_task(
            answer(self._scope, self._receive, self._send_framed)  # type: ignore[arg-type]
        )
        self._task.cancel()

    async def _send_in_time(self, message: Message) -> None:
        if self._answer is None:  # else it comes too late
            if message["type"] == "http.response.start":
                self.take_time()
            await self._send_framed(message)

    async def _send_framed(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            scope = self._scope
            self.status = message["status"]
            headers = [*message.get("headers", ()), *_FIXED, *scope.get(STANDING, ())]
            headers.append((b"x-request-id", self.request_id.encode()))
            if scope["path"].startswith(_PAGES):
                headers.append(_PAGE_POLICY)
            message["headers"] = headers
        await self._send(message)


async def without_time_limit(request: Request) -> None:
    """Lift the request's time limit: for `dependencies=[Depends(...)]` of a route, or to await.

    The time in which the body has to arrive is limited all the same.
    """
    exchange: _Exchange = request.scope[_EXCHANGE]
    exchange.take_time()


def _cors(settings: Settings) -> Callable[[ASGIApp], ASGIApp]:
    if not settings.cors_origins:
        return lambda app: app
    return lambda app: CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=_EXPOSED,
    )
