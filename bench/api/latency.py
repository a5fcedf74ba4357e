"""How the time of an answer grows with the size: two databases, side by side, one client."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from bench.api import sampling
from bench.api.ontology import Ontology
from bench.api.pinning import OTHERS, pinned
from bench.api.report import Comparison
from bench.api.servers import Client, api

_TARGET = 1.5
_WARM_UP = 20
_CASE_SECONDS = 20  # at most, and as long for the choice of the terms

Paths = Callable[[URL, Ontology, int], list[str]]

_CASES: dict[str, tuple[Paths, float | None]] = {
    "entity by id": (lambda url, _, many: sampling.entity_paths(url, many), _TARGET),
    "list page of 50, first": (lambda *_: sampling.first_pages(50), _TARGET),
    "list page of 50, last": (lambda url, *_: sampling.last_pages(url, 50), _TARGET),
    "list page of 50, any": (lambda url, _, many: sampling.page_paths(url, many, 50), None),
    "search, any word": (
        lambda _, ontology, many: _searches(sampling.words(ontology, many)),
        _TARGET,
    ),
    "search, a part of any row": (
        lambda url, _, many: _searches(sampling.parts(url, many)),
        _TARGET,
    ),
    "search, 2 letters of any row": (
        lambda url, _, many: _searches(sampling.parts(url, many, range(2, 3))),
        None,
    ),
    "used-by": (lambda url, _, many: sampling.used_by_paths(url, many), _TARGET),
    "inheritance": (lambda url, _, many: sampling.inheritance_paths(url, many), _TARGET),
}


def measure(
    small: tuple[URL, Ontology],
    large: tuple[URL, Ontology],
    folder: Path,
    samples: int,
    say: Callable[[str], None],
) -> list[Comparison]:
    """Measure each case on both databases in turns, request by request; milliseconds."""
    with ExitStack() as stack:
        clients = [Client(stack.enter_context(api(url, folder))) for url, _ in (small, large)]
        stack.enter_context(pinned(OTHERS))
        found = []
        for case, (paths, target) in _CASES.items():
            asked = [
                _answered(client, paths(*side, samples))
                for client, side in zip(clients, (small, large), strict=True)
            ]
            times = _in_turns(clients, asked, samples)
            found.append(Comparison(case, times[1], times[0], target))
            say(f"    {found[-1].line()}")
    return found


def _searches(terms: list[str]) -> list[str]:
    return [sampling.search_path(term) for term in terms]


def _answered(client: Client, paths: list[str]) -> list[str]:
    """Return the paths that are not searches in vain, having asked for each once."""
    until = time.monotonic() + _CASE_SECONDS
    return [
        path
        for path in paths
        if time.monotonic() < until and _finds_something(json.loads(client.get(path)))
    ]


def _finds_something(answer: Any) -> bool:
    return not (isinstance(answer, dict) and answer.get("items") == [])


def _in_turns(clients: list[Client], asked: list[list[str]], samples: int) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in clients]
    until = time.monotonic() + _CASE_SECONDS
    for number in range(-_WARM_UP, samples):
        for client, paths, taken in zip(clients, asked, times, strict=True):
            path = paths[number % len(paths)]
            started = time.perf_counter()
            client.get(path)
            if number >= 0:
                taken.append((time.perf_counter() - started) * 1000)
        if number >= _WARM_UP and time.monotonic() > until:
            break
    return times
