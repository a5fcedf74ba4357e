"""How large a request may be, and how long it may take."""

import asyncio
import logging

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import problem, too_slow

logger = logging.getLogger(__name__)

# Else the server reads on, to the body's end, for the sake of the connection.
_CLOSE = {"Connection": "close"}

# Up to so many times the limit that is right: many clients see no answer but a broken connection
# where the server closes it while they send.
_WORTH_READING = 16


class Bounds:
    """ASGI middleware: refuses bodies above `max_body_bytes`, cuts what takes `seconds`.

    A body that is declared larger is refused unread, one that is not declared as soon as it is
    larger: 413. A request that has not begun its answer in time is answered 503, or 408 where its
    body is still on the way, and cancelled: its transaction is rolled back, its statement ended,
    its connection given back. An answer that has begun may take any time.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, seconds: float) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = None
        declared = _declared(scope)
        if declared is not None:
            body = _Body(receive, self._max_body_bytes)
            if declared > self._max_body_bytes:
                headers = _CLOSE if declared > _WORTH_READING * self._max_body_bytes else None
                response = problem(413, body.too_large().detail, headers=headers)
                await response(scope, receive, send)
                return
            receive = body.receive
        await _Race(self._app, body, scope, receive, send).run(self._seconds)


class _Body:
    """The receiving side of a request with a body."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.awaited = False
        self._receive = receive
        self._limit = limit
        self._size = 0
        self._complete = False

    async def receive(self) -> Message:
        self.awaited = not self._complete
        message = await self._receive()
        self.awaited = False
        if message["type"] == "http.request":
            self._complete = not message.get("more_body", False)
            self._size += len(message.get("body", b""))
            if self._size > self._limit:
                raise self.too_large()
        return message

    def too_large(self) -> HTTPException:
        detail = f"The body is larger than {self._limit} bytes, which is the most taken here."
        return HTTPException(413, detail, _CLOSE)


class _Race:
    """One request against the clock.

    Not asyncio.timeout: that ends when the application has unwound, which takes a driver whose
    database has fallen silent ten seconds more. Here the client is answered at once.
    """

    def __init__(
        self, app: ASGIApp, body: _Body | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._app = app
        self._body = body
        self._scope, self._receive, self._send = scope, receive, send
        self._answer: asyncio.Task[None] | None = None

    async def run(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # this is a coroutine
        self._timer = loop.call_later(seconds, self._cut, loop, task)
        try:
            await self._app(self._scope, self._receive, self._send_in_time)
        except BaseException as error:
            if self._answer is None:
                raise
            if not isinstance(error, asyncio.CancelledError):
                logger.warning("a request that was cut has failed", exc_info=True)
        finally:
            self._timer.cancel()
        if self._answer is not None:
            # Else whoever awaits within this task later is cancelled for what is over.
            if task.uncancel() > 0:
                raise asyncio.CancelledError  # the server is ending
            await self._answer

    def _cut(self, loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
        self._answer = loop.create_task(self._refuse())
        task.cancel()

    async def _send_in_time(self, message: Message) -> None:
        if self._answer is None:  # else it comes too late
            self._timer.cancel()
            await self._send(message)

    async def _refuse(self) -> None:
        if self._body is not None and self._body.awaited:
            response = problem(408, "The request's body has not arrived in time.", headers=_CLOSE)
        else:
            logger.warning("request cut: no answer within the time limit")
            response = too_slow()
        await response(self._scope, self._receive, self._send)


def _declared(scope: Scope) -> int | None:
    """Return the body's declared length, 0 where it has none, None where there is no body."""
    length = None
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            # More digits than these are too large in any case, and int() refuses very many.
            length = int(value[:19])
        elif name == b"transfer-encoding":
            length = length or 0
    return length
