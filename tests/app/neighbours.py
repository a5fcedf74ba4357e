"""The real status service beside a backend, and stand-ins for those whom it asks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

from tests.app.support import ROOT, free_port, until

PROGRAM = ROOT / "infra" / "services" / "status_server.py"


class Answering(ThreadingHTTPServer):
    """A service that answers every GET with `status` and `body`, and counts them."""

    def __init__(self, status: int = 200, body: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status, self.body, self.asked = status, body, 0
        self.url = f"http://127.0.0.1:{self.server_port}/ping"


class Answer(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: Answering) -> Iterator[Answering]:
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def status(services: dict[str, str]) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run the status service as its container does; yield its URL and its process."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-IS", str(PROGRAM)],
        env={**os.environ, "PORT": str(port), "SERVICES": json.dumps(services)},
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: _answers(url + "health"))
        yield url, process
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
