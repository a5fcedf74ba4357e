"""Runs in the container of the status service, on the standard library alone.

GET /        asks every service of SERVICES (JSON: name to URL) how it is, and says so as JSON: to
             each name the HTTP status, or null for who has not answered in time.
GET /health  says that this program answers.

Whoever is asked, and whoever asks, may be broken: each exchange has a deadline, and of an answer
its first line is read alone.
"""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

# Seconds for all answers together: whoever looks at the page waits for the slowest.
LIMIT = 1.0
# Seconds for which answers hold, so that many visitors cost the services no more than one.
FRESH = 1.0
# Seconds for whoever asks here, from the first byte to the last.
CLIENT = 3.0
# Bytes of a request's head, and of an answer's first line.
MOST = 8192
# Names that are gone are looked up for 2 s each (RES_OPTIONS), in threads that cannot be ended:
# there is room for those of three rounds, so that they are in nobody's way.
LOOKUPS = 32


class Round:
    """Asks all services at once, one round at a time, whoever waits for the answers."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._round: asyncio.Task[dict[str, int | None]] | None = None
        self._ended = 0.0  # a reading of time.monotonic()

    async def answers(self) -> dict[str, int | None]:
        """Return what each service answers, or has answered within FRESH."""
        if self._round is None or (self._round.done() and time.monotonic() - self._ended >= FRESH):
            self._round = asyncio.create_task(self._ask_all())
        # A client that leaves must not end the round for the others.
        return await asyncio.shield(self._round)

    async def _ask_all(self) -> dict[str, int | None]:
        found = await asyncio.gather(*map(ask, self._urls.values()))
        self._ended = time.monotonic()
        return dict(zip(self._urls, found, strict=True))


async def ask(url: str) -> int | None:
    """Return the HTTP status of a GET, or None where none comes within LIMIT."""
    parts = urlsplit(url)
    writer = None
    try:
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=MOST)
            writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
            line = await reader.readline()
    except (OSError, ValueError):  # a deadline is an OSError; ValueError: the line is too long
        return None
    finally:
        if writer is not None:
            writer.transport.abort()
    found = re.match(rb"HTTP/1\.[01] ([1-5]\d\d)\b", line)
    return int(found[1]) if found else None


async def serve(
    services: Round, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one request, and hang up."""
    try:
        async with asyncio.timeout(CLIENT):
            head = await reader.readuntil(b"\r\n\r\n")
            status, body = await _answer(services, head.split(b"\r\n")[0])
            content = json.dumps(body).encode()
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
                + content
            )
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        writer.transport.abort()
    else:
        writer.close()


async def _answer(services: Round, line: bytes) -> tuple[str, object]:
    match line.split():
        case [b"GET", b"/", _]:
            return "200 OK", await services.answers()
        case [b"GET", b"/health", _]:
            return "200 OK", "healthy"
    return "404 Not Found", "There are GET / and GET /health."


async def main() -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(LOOKUPS))
    # At once: there is nothing that could be lost, and a lookup would be waited for.
    loop.add_signal_handler(signal.SIGTERM, os._exit, 0)
    services = Round(json.loads(os.environ["SERVICES"]))
    server = await asyncio.start_server(
        lambda reader, writer: serve(services, reader, writer),
        # All addresses: in a container, where its networks say who may come.
        host="0.0.0.0",  # noqa: S104
        port=int(os.environ["PORT"]),
        limit=MOST,
        backlog=128,
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
