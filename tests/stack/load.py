"""A steady load on a stack's API: several clients, some of which keep their connection."""

import http.client
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.stack.stack_under_test import eventually

DRAFT = json.dumps(
    {
        "payload": {
            "wiki_url": "https://wiki.example.org",
            "base_version": "main",
            "entities": {
                "categories": [{"entity_id": "Lab", "label": "Lab", "schema_definition": {}}]
            },
        }
    }
)
MANY = "1000000"
# The config without which the clients would soon be told that they ask too often.
UNLIMITED = {"draftsPerHour": MANY, "draftReadsPerMinute": MANY, "listsPerMinute": MANY}
PAUSE = 0.01  # seconds between a client's requests: steady, and the machine is busy otherwise


@dataclass
class Load:
    """What the clients saw: how often which status, what failed, and the drafts' tokens."""

    url: str
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """Return each request that was not answered as it should be."""
        good = {("GET", 200), ("POST", 201)}
        wrong = [f"{key} x {n}" for key, n in self.statuses.items() if key not in good]
        return self.failures + wrong

    def goes_on(self, drafts: int = 100, seconds: float = 120) -> None:
        """Return once so many more drafts were made; fails if they are not within `seconds`."""
        wanted = len(self.tokens) + drafts
        eventually(lambda: len(self.tokens) >= wanted, seconds)


@contextmanager
def load(url: str, context: ssl.SSLContext | None = None) -> Iterator[Load]:
    """Send GETs and POSTs of drafts to the API at `url` for as long as the block lasts."""
    seen = Load(url)
    done = threading.Event()
    clients = [
        threading.Thread(target=_client, args=(seen, done, method, keep, context))
        for method in ("GET", "POST")
        for keep in (True, True, False)
    ]
    for client in clients:
        client.start()
    try:
        yield seen
    finally:
        done.set()
        for client in clients:
            client.join()


def missing(seen: Load) -> list[str]:
    """Return the tokens of created drafts that are not there (any more)."""
    connection = _connection(seen.url, None)
    gone = []
    for token in seen.tokens:
        connection.request("GET", f"/api/v1/drafts/{token}")
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            gone.append(token)
    connection.close()
    return gone


def _client(
    seen: Load, done: threading.Event, method: str, keep: bool, context: ssl.SSLContext | None
) -> None:
    connection = _connection(seen.url, context)
    while not done.is_set():
        began = time.monotonic()
        try:
            if method == "GET":
                connection.request("GET", "/api/v1/entities/search?q=person")
            else:
                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/api/v1/drafts", DRAFT, headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            seen.failures.append(f"{method} after {time.monotonic() - began:.1f} s: {error!r}")
            connection.close()
        else:
            seen.statuses[method, answer.status] += 1
            if answer.status == 201:
                seen.tokens.append(json.loads(body)["capability_url"].split("#")[1])
        if not keep:
            connection.close()
        time.sleep(PAUSE)
    connection.close()


def _connection(url: str, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    place = urlsplit(url)
    assert place.hostname
    if place.scheme == "https":
        return http.client.HTTPSConnection(place.hostname, place.port, timeout=30, context=context)
    return http.client.HTTPConnection(place.hostname, place.port, timeout=30)
