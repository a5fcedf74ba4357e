"""A TCP relay in front of the database that can be cut and can go silent."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Proxy:
    """Relays 127.0.0.1:`port` to the target. `silent`: accepts and passes nothing on."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._passing = threading.Event()
        self._passing.set()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._passing.set()
        # shutdown first: close alone does not wake a thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def silence(self) -> None:
        """From now on pass nothing on, in either direction; connections stay open."""
        self._passing.clear()

    def speak(self) -> None:
        """Pass on again, what has been held back too."""
        self._passing.set()

    def cut(self) -> None:
        """Close all connections, as a restarting database does."""
        for connection in self._open:
            with contextlib.suppress(OSError):  # closed by its other side already
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._passing.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return  # cut
