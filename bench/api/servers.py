"""The servers that are measured: one worker each, started alike, on a core of their own."""

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from bench.api import bare
from bench.api.pinning import SERVER, pinned
from tests.app.support import ROOT, Backend, address, backend
from toolchain.console import UserError

# As in app/serve.py; the loop and the parser are those that uvicorn would choose.
_UVICORN = (
    *("--no-access-log", "--ws", "none", "--no-server-header", "--no-proxy-headers"),
    *("--loop", "uvloop", "--http", "httptools"),
)
_LOGS = ("--log-config", str(ROOT / "app/log_config.json"))

# The limits count, and set their headers, as ever; they are only too high to be reached.
_RAISED = ("READS_PER_MINUTE", "LISTS_PER_MINUTE")
_UNREACHED = str(10**9)


@contextmanager
def api(url: URL, folder: Path) -> Iterator[Backend]:
    """Run the API as it is deployed; its log, a JSON line a request, goes to a file in `folder`."""
    variables = dict.fromkeys(_RAISED, _UNREACHED)
    with _started(backend(url, folder, *_UVICORN, *_LOGS, variables=variables)) as server:
        yield server


@contextmanager
def bare_api(url: URL, folder: Path) -> Iterator[Backend]:
    """Run the bare handler, which writes no log."""
    variables = {bare.DATABASE: address(url)}
    with _started(
        backend(None, folder, *_UVICORN, app="bench.api.bare:app", variables=variables)
    ) as server:
        yield server


@contextmanager
def _started(server: AbstractContextManager[Backend]) -> Iterator[Backend]:
    # A process keeps the cores of the thread that has started it.
    with ExitStack() as stack:
        with pinned(SERVER):
            running = stack.enter_context(server)
        yield running


class Client:
    """One connection that is kept open. Bare as it is, it adds least to what is measured."""

    def __init__(self, server: Backend) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> bytes:
        """Return the body; raises `UserError` unless the status is 200."""
        self._socket.sendall(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._receive(path)
        head, body = answer[:end], answer[end + 4 :]
        length = int(head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
        parts = [body]
        missing = length - len(body)
        while missing > 0:
            parts.append(self._receive(path))
            missing -= len(parts[-1])
        body = b"".join(parts)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise UserError(f"GET {path} answers {head!r}\n{body[:300]!r}", "make test")
        return body

    def _receive(self, path: str) -> bytes:
        received = self._socket.recv(1 << 18)
        if not received:
            raise UserError(f"GET {path}: the server has closed the connection", "make test")
        return received
