"""What Prometheus would read of a program, read by the library's own parser."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.engine import URL

from tests.app.support import Backend, backend, free_port

Labels = Mapping[str, str]


class Scrape:
    """One answer: its text, and every sample by its name."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: dict[str, list[tuple[Labels, float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self.samples.setdefault(sample.name, []).append((sample.labels, sample.value))

    def values(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the metric's values by these labels, which have to be all it has."""
        found = self.samples.get(name, [])
        assert all(set(given) == set(labels) for given, _ in found), found
        return {tuple(given[label] for label in labels): value for given, value in found}

    def value(self, name: str) -> float | None:
        """Return the value of a metric without labels; None if it is absent."""
        return self.values(name).get(())


def scrape(port: int) -> Scrape:
    """Scrape once; has to be answered 200, and long before Prometheus would give up (10 s)."""
    started = time.monotonic()
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20)
    assert answer.status_code == 200
    assert time.monotonic() - started < 5
    return Scrape(answer.text)


class Measured:
    """A running backend and the port of its metrics."""

    def __init__(self, running: Backend, port: int) -> None:
        self.running = running
        self.port = port

    def scrape(self) -> Scrape:
        """Scrape once."""
        return scrape(self.port)

    def when(self, holds: Callable[[Scrape], bool]) -> Scrape:
        """Scrape until this holds: a request is counted a moment after its answer."""
        deadline = time.monotonic() + 20
        while not holds(found := self.scrape()):
            assert time.monotonic() < deadline, found.text
            time.sleep(0.05)
        return found

    def at_rest(self) -> Scrape:
        """Scrape when no request is in progress."""
        return self.when(lambda found: found.value("hub_http_requests_in_progress") == 0)


@contextmanager
def measured(
    url: URL,
    folder: Path,
    *options: str,
    app: str = "app.main:app",
    variables: Mapping[str, str] | None = None,
) -> Iterator[Measured]:
    """Run a backend with a port for its metrics, as its image does, until the block ends."""
    port = free_port()
    given = {"METRICS_PORT": str(port), **(variables or {})}
    protocol = ("--http", "app.conduct.protocol:BoundedProtocol")
    with backend(url, folder, *protocol, *options, app=app, variables=given) as running:
        yield Measured(running, port)


def listening(pid: int) -> set[int]:
    """Return the TCP ports that the process listens on."""
    links = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            links.append(str(file.readlink()))
    sockets = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and rest[5] in sockets:
                ports.add(int(local.rpartition(":")[2], 16))
    return ports
