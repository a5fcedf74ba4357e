"""HTTP by hand, for requests that no client library sends."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.app.support import Backend


class Raw:
    """One connection; requests and answers are bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    def send(self, *lines: str, body: bytes = b"") -> None:
        """Send a head of these lines, and the body as it is."""
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def answer(self) -> bytes:
        """Return everything until the server closes the connection."""
        received = b""
        while part := self.socket.recv(65536):
            received += part
        return received


@contextmanager
def connected(running: Backend) -> Iterator[Raw]:
    """Connect to the backend; a silent server fails the test instead of hanging it."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        yield Raw(connection)
