"""Drafts made over HTTP as fast as they are answered, to learn which are there after a fault.

Its clients need the limits of `UNLIMITED` in the stack's config.
"""

import hashlib
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

import httpx

from tests.stack.stack_under_test import Stack, docker, eventually

UNLIMITED = {"draftsPerHour": "100000000", "draftReadsPerMinute": "100000000"}

CLIENTS = 4
# Above the backend's own time limit for a request (15 s): what it answers late counts too.
TIMEOUT_SECONDS = 20.0
# Between two tries of a client that was refused: a backend that is away is not to cost a CPU.
PAUSE_SECONDS = 0.05


class Load:
    """Clients that make drafts inside a `with` block; `tokens` are those answered with 201.

    A draft whose request failed may be there or not: nothing was promised.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.tokens: list[str] = []
        # What else came of requests: status codes, and names of the client's errors.
        self.failures: Counter[str] = Counter()
        self._done = threading.Event()
        self._clients = [
            threading.Thread(target=self._make_drafts, args=[number]) for number in range(CLIENTS)
        ]

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        for client in self._clients:
            client.join()

    def goes_on(self, drafts: int = 100, seconds: float = 120) -> None:
        """Return once so many more drafts were made; fails if they are not within `seconds`."""
        wanted = len(self.tokens) + drafts
        eventually(lambda: len(self.tokens) >= wanted, seconds)

    def assert_kept(self) -> None:
        """Assert that each draft that was answered with 201 is in the table, and is shown."""
        assert self.tokens
        stored = set(self.stack.psql("select capability_hash from drafts").split())
        lost = [token for token in self.tokens if _hash(token) not in stored]
        assert not lost, f"{len(lost)} of {len(self.tokens)} acknowledged drafts are lost"
        with self._client() as client:
            answers = Counter(client.get(f"/{token}").status_code for token in self.tokens)
        assert answers == {200: len(self.tokens)}

    def _client(self) -> httpx.Client:
        drafts = f"http://{self.stack.address}:{8000 + self.stack.offset}/api/v1/drafts"
        return httpx.Client(base_url=drafts, timeout=TIMEOUT_SECONDS, trust_env=False)

    def _make_drafts(self, client_number: int) -> None:
        number = 0
        with self._client() as client:
            while not self._done.is_set():
                number += 1
                payload = {"client": client_number, "number": number}
                try:
                    answer = client.post("", json={"payload": payload})
                except httpx.HTTPError as error:
                    outcome = type(error).__name__
                else:
                    if answer.status_code == 201:
                        self.tokens.append(answer.json()["capability_url"].partition("#")[2])
                        continue
                    outcome = str(answer.status_code)
                self.failures[outcome] += 1
                time.sleep(PAUSE_SECONDS)


def assert_intact(stack: Stack) -> None:
    """Assert that PostgreSQL finds its data sound: every page, every index, all of a dump."""
    db = stack.container("db")
    docker(
        *("exec", db, "pg_amcheck", "--username=postgres", "--install-missing", "--all"),
        *("--heapallindexed", "--parent-check"),
    )
    dumped = docker("exec", db, "pg_dump", "--username=postgres", "ontology_hub")
    assert "PostgreSQL database dump complete" in dumped
    failed = "select coalesce(sum(checksum_failures), 0) from pg_stat_database"
    assert stack.psql(failed) == "0"


def _hash(token: str) -> str:
    """Return what the table holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
