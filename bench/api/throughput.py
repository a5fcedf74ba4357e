"""Requests a second: the API beside a bare handler that answers with the same bytes.

Beside them the time that the worker has been on its core for each request: on a busy machine it
says more than the rate.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL

from bench.api import sampling
from bench.api.pinning import OTHERS, pinned
from bench.api.report import Comparison
from bench.api.servers import Client, api, bare_api
from tests.app.support import Backend
from toolchain import processes
from toolchain.console import UserError

CLIENTS = 16
_TARGET = 0.6
_SECONDS = 3  # for each turn
_PATHS = 2000
_COMPARED = 100
_SCRIPT = Path(__file__).with_name("paths.lua")


def check_load_generator() -> None:
    """Raise `UserError` where wrk is missing."""
    if not shutil.which("wrk"):
        raise UserError("wrk, which makes the load, is not on PATH", "apt-get install wrk")


def measure(
    url: URL, folder: Path, rounds: int, say: Callable[[str], None]
) -> tuple[list[Comparison], list[Comparison]]:
    """Measure both in turns; return rates (requests/s) and the worker's work (µs a request).

    Raises `UserError` if an answer differs or a request fails.
    """
    cases = {
        "entity by id": sampling.entity_paths(url, _PATHS),
        "list page of 50": sampling.page_paths(url, _PATHS, 50),
    }
    with ExitStack() as stack:
        sides = {
            "API": stack.enter_context(api(url, folder)),
            "bare": stack.enter_context(bare_api(url, folder)),
        }
        rates, work = [], []
        for case, paths in cases.items():
            _check_same(sides, paths[:_COMPARED])
            file = folder / f"{case.replace(' ', '-')}.txt"
            file.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
            turns: dict[str, list[_Turn]] = {side: [] for side in sides}
            for number in range(rounds + 1):
                for side, server in sides.items():
                    turn = _load(server, file)
                    if number:  # the first fills pools and caches
                        turns[side].append(turn)
            one, other = turns.values()
            rates.append(
                Comparison(
                    case,
                    [turn.rate for turn in one],
                    [turn.rate for turn in other],
                    _TARGET,
                    at_least=True,
                )
            )
            work.append(
                Comparison(case, [turn.work for turn in one], [turn.work for turn in other], None)
            )
            say(f"    {rates[-1].line()}")
    return rates, work


@dataclass(frozen=True)
class _Turn:
    """Requests a second, and the worker's time on its core in µs a request."""

    rate: float
    work: float


def _load(server: Backend, paths: Path) -> _Turn:
    """Ask for the paths with `CLIENTS` at a time, for `_SECONDS`."""
    command = [
        *("wrk", "--threads", "1", "--connections", str(CLIENTS), "--duration", f"{_SECONDS}s"),
        *("--script", str(_SCRIPT), server.url, "--", str(paths)),
    ]
    before = _on_core(server)
    with pinned(OTHERS):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"wrk has failed: {done.stderr}", "apt-get install wrk")
    result = json.loads(done.stdout.splitlines()[-1])
    if any(result["failed"].values()):
        raise UserError(
            f"requests to {server.url} have failed: {result['failed']}; its log ends with:\n"
            + processes.tail(server.text()),
            "mend what it names; where it is nothing but timeouts, wait for a less busy machine",
        )
    work = (_on_core(server) - before) / result["requests"]
    return _Turn(result["requests"] / result["seconds"], work)


def _on_core(server: Backend) -> float:
    """Return how long the worker has been on its core, in µs."""
    nanoseconds = Path(f"/proc/{server.process.pid}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1000


def _check_same(sides: dict[str, Backend], paths: list[str]) -> None:
    clients = [Client(server) for server in sides.values()]
    for path in paths:
        if len({client.get(path) for client in clients}) != 1:
            raise UserError(
                f"the bare handler answers {path} with other bytes than the API",
                "give bench/api/bare.py the API's statements",
            )
