"""What is answered to a request before it is one: `--http app.conduct.protocol:BoundedProtocol`.

uvicorn collects a head of any size, for any time: whoever sends one byte a minute, or a header
without end, takes a connection, and memory, for ever.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.conduct import request_ids
from app.conduct.exchange import FIXED
from app.config import get_settings
from app.errors import ProblemResponse, problem
from app.metrics import traffic

# Bytes of the request line and all headers. What arrives at once is one part of up to 256 KiB, and
# is judged only if more has to come.
MAX_HEAD = 64 * 1024

_CLOSE = {"Connection": "close"}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds for a request's head, and problems (RFC 9457) as answers.

    A head larger than MAX_HEAD is answered 431, one that takes longer than REQUEST_TIMEOUT 408,
    what is no HTTP 400. The connection is closed then.
    """

    _in_head = False
    _size = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Note a head's first byte; called by the parser."""
        self._in_head, self._size = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; called by the parser, for what follows a body in chunks (trailers) too.

        These are left out: whoever sets a header for the app, as a proxy does, does not look there.
        """
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note a head's end; called by the parser."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._size += len(data)
        if self._size > MAX_HEAD:
            detail = f"The request's head is larger than {MAX_HEAD} bytes."
            self._refuse(problem(431, detail, headers=_CLOSE))
        elif self._timer is None:
            self._start_timer()

    def send_400_response(self, msg: str) -> None:
        """Answer to what the parser has refused."""
        self._refuse(problem(400, "This is no HTTP request.", headers=_CLOSE))

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(get_settings().request_timeout, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._is_answering():
            self._start_timer()  # until then nothing more is read
        elif not self.transport.is_closing():
            detail = "The request's head has not arrived in time."
            self._refuse(problem(408, detail, headers=_CLOSE))

    def _is_answering(self) -> bool:
        """Tell whether a request that has arrived whole, or is being answered, is not done."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        return cycle.response_started or not cycle.more_body

    def _refuse(self, response: ProblemResponse) -> None:
        self._stop_timer()
        if self._is_answering():  # to a request before this one: two answers would be mixed
            self.transport.close()
            return
        own = (b"x-request-id", request_ids.take(None).encode())
        headers = (*response.raw_headers, *FIXED, own)
        head = [b"%b: %b\r\n" % header for header in headers]
        status = STATUS_LINE[response.status_code]
        self.transport.write(b"".join((status, *head, b"\r\n", bytes(response.body))))
        traffic.count_unread(response.status_code)
        self.transport.close()
