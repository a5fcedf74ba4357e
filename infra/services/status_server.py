"""Runs in the container of the status service, on the standard library alone.

GET /        asks every service of SERVICES (JSON: name to URL) how it is, and says so as JSON: to
             each name the HTTP status, or null for who has not answered in time.
GET /health  says that this program answers.
"""

import json
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import urlsplit

# Seconds for all answers together: whoever looks at the page waits for the slowest.
LIMIT = 1.0
# Seconds for which an answer holds, so that many visitors cost the services no more than one.
FRESH = 1.0


class Round:
    """Asks each service one question at a time, whoever asks for the answer meanwhile."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        # One each: a service that hangs, or whose name is long looked up, is in nobody's way.
        self._threads = ThreadPoolExecutor(max_workers=max(len(urls), 1))
        self._questions: dict[str, tuple[float, Future[int | None]]] = {}
        self._lock = Lock()

    def answers(self) -> dict[str, int | None]:
        """Return what each service answers, or has answered within FRESH."""
        with self._lock:
            questions = {name: self._question(name, url) for name, url in self._urls.items()}
        wait(questions.values(), LIMIT)
        return {name: one.result() if one.done() else None for name, one in questions.items()}

    def _question(self, name: str, url: str) -> Future[int | None]:
        now = time.monotonic()
        if name in self._questions:
            begun, question = self._questions[name]
            if not question.done() or now - begun < FRESH:
                return question
        question = self._threads.submit(ask, url)
        self._questions[name] = now, question
        return question


def ask(url: str) -> int | None:
    """Return the HTTP status of a GET, or None where none comes."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    """Answers GET; `round` is the program's one."""

    round: Round
    timeout = 5  # seconds for a request's head: a silent client must not hold a thread for ever

    def do_GET(self) -> None:
        """Answer the two paths of the module's description."""
        if self.path == "/":
            self._answer(200, self.round.answers())
        elif self.path == "/health":
            self._answer(200, "healthy")
        else:
            self._answer(404, "There are / and /health.")

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the health check alone would write a line every other second."""


def main() -> None:
    """Serve until SIGTERM."""
    # As process 1 it would not hear it else. At once: there is nothing that could be lost.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Handler.round = Round(json.loads(os.environ["SERVICES"]))
    # All addresses: in a container, where its networks say who may come.
    ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()  # noqa: S104


if __name__ == "__main__":
    main()
