"""The outermost layer: what is done around every request, whoever answers it.

One layer for all of it: each further one would cost a request about as much as what it does.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.conduct import request_ids
from app.conduct.access_log import AccessLog, template
from app.conduct.bodies import CLOSE, Body
from app.conduct.clients import ForwardedHeaders, OwnProxy
from app.conduct.deadlines import Deadlines
from app.conduct.policies import LIMITS, STANDING, Limits
from app.config import Settings
from app.errors import problem, too_slow
from app.metrics import traffic

logger = logging.getLogger(__name__)

# Ready-made, here and elsewhere: an answer's headers are looked through for each request.
FIXED = (
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
    """ASGI middleware: ids, headers, sizes, times, the access log and the requests' metrics.

    Every answer has the fixed headers and X-Request-ID. A body above `settings.max_body_bytes` is
    refused (413). A request that has not begun its answer within `settings.request_timeout` is
    answered 503, or 408 where its body is still on the way, and cancelled: its statement is ended,
    its transaction rolled back. An answer that has begun may take any time.

    It stands around Starlette's own error layer too, so that all this is true of a 500.
    """

    def __init__(self, app: ASGIApp, settings: Settings, limits: Limits) -> None:
        if settings.trusted_proxies:
            app = ForwardedHeaders(app, settings.trusted_proxies)
        if settings.behind_proxy:
            app = OwnProxy(app)
        self.readable = _cors(settings)
        self.app = self.readable(app)
        self.limits = limits
        self.max_body_bytes = settings.max_body_bytes
        self.deadlines = Deadlines(settings.request_timeout)
        self.log = AccessLog()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not async, nor is _Exchange.send: each level of awaiting costs as much as what is done.
        if scope["type"] == "http":
            return _Exchange(self, scope, receive, send).run()
        return self._live(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            self.log.flush()  # the process is ending


class _Exchange:
    """One request and its answer."""

    __slots__ = (
        "_answer",
        "_body",
        "_conduct",
        "_receive",
        "_request_id",
        "_scope",
        "_send",
        "_status",
        "_task",
    )

    def __init__(self, conduct: Conduct, scope: Scope, receive: Receive, send: Send) -> None:
        self._conduct = conduct
        self._scope = scope
        self._send = send
        self._status = 500  # where the application ends before it has begun to answer
        # The one that is given instead of the application's.
        self._answer: asyncio.Future[None] | None = None
        self._body: Body | None = None
        given = length = chunked = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value
            elif name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                chunked = value
        self._request_id = request_ids.take(given)
        if length is not None or chunked is not None:
            self._body = Body(receive, conduct.max_body_bytes, length)
            receive = self._body.receive
        self._receive = receive

    async def run(self) -> None:
        """Have the application answer, in time; log and count it."""
        started = time.perf_counter()
        traffic.IN_PROGRESS.inc()
        scope, conduct = self._scope, self._conduct
        request_ids.current.set(self._request_id)
        try:
            if self._body is not None and (refusal := self._body.refusal()) is not None:
                await conduct.readable(refusal)(scope, self._receive, self._send_framed)
                return
            scope[LIMITS] = conduct.limits
            scope[_EXCHANGE] = self
            task = asyncio.current_task()
            assert task is not None  # noqa: S101  # this is a coroutine
            self._task = task
            conduct.deadlines.watch(self, started)
            try:
                await conduct.app(scope, self._receive, self._send_in_time)
            except BaseException as error:
                if self._answer is None:
                    raise
                if not isinstance(error, asyncio.CancelledError):
                    logger.warning("a request that was cut has failed", exc_info=True)
            finally:
                conduct.deadlines.release(self)
                del scope[_EXCHANGE]  # a circle would wait for the garbage collector
            if self._answer is not None:
                await self._be_cut(self._answer)
        finally:
            duration = time.perf_counter() - started
            method, route = scope["method"], template(scope)
            conduct.log.add(method, route, self._status, duration, self._request_id)
            traffic.count(method, route, self._status, duration)
            traffic.IN_PROGRESS.dec()

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
            logger.warning("request cut", extra={"request_id": self._request_id})
            response = too_slow()
        answer = self._conduct.readable(response)(self._scope, self._receive, self._send_framed)
        self._answer = asyncio.ensure_future(answer)
        self._task.cancel()

    async def _be_cut(self, answer: "asyncio.Future[None]") -> None:
        # Else whoever awaits within this task later is cancelled for what is over.
        if self._task.uncancel() > 0:
            raise asyncio.CancelledError  # the server is ending
        await answer

    def _send_in_time(self, message: Message) -> Awaitable[None]:
        if self._answer is not None:
            return _nothing()  # it comes too late
        if message["type"] == "http.response.start":
            self._conduct.deadlines.release(self)
            self._frame(message)
        return self._send(message)

    def _send_framed(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self._frame(message)
        return self._send(message)

    def _frame(self, start: Message) -> None:
        scope = self._scope
        self._status = start["status"]
        start["headers"] = headers = [*start.get("headers", ()), *FIXED]
        headers.append((b"x-request-id", self._request_id.encode()))
        if STANDING in scope:
            headers += scope[STANDING]
        elif scope["path"].startswith(_PAGES):  # they have no limit
            headers.append(_PAGE_POLICY)


async def _nothing() -> None:
    return


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
