"""Requests a second: the API beside a bare handler that answers with the same bytes."""

import json
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
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


def measure(url: URL, folder: Path, rounds: int, say: Callable[[str], None]) -> list[Comparison]:
    """Measure both in turns; raises `UserError` if an answer differs or a request fails."""
    cases = {
        "entity by id": sampling.entity_paths(url, _PATHS),
        "list page of 50": sampling.page_paths(url, _PATHS, 50),
    }
    with ExitStack() as stack:
        sides = {
            "API": stack.enter_context(api(url, folder)),
            "bare": stack.enter_context(bare_api(url, folder)),
        }
        found = []
        for case, paths in cases.items():
            _check_same(sides, paths[:_COMPARED])
            file = folder / f"{case.replace(' ', '-')}.txt"
            file.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
            rates: dict[str, list[float]] = {side: [] for side in sides}
            for number in range(rounds + 1):
                for side, server in sides.items():
                    rate = _load(server, file)
                    if number:  # the first fills pools and caches
                        rates[side].append(rate)
            found.append(Comparison(case, rates["API"], rates["bare"], _TARGET, at_least=True))
            say(f"    {found[-1].line()}")
    return found


def _load(server: Backend, paths: Path) -> float:
    """Return the requests a second that the server has answered, with `CLIENTS` at a time."""
    command = [
        *("wrk", "--threads", "1", "--connections", str(CLIENTS), "--duration", f"{_SECONDS}s"),
        *("--script", str(_SCRIPT), server.url, "--", str(paths)),
    ]
    with pinned(OTHERS):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"wrk has failed: {done.stderr}", "apt-get install wrk")
    result = json.loads(done.stdout.splitlines()[-1])
    if result["failed"]:
        raise UserError(
            f"{result['failed']} requests have failed; the log ends with:\n"
            + processes.tail(server.text()),
            "mend what it names",
        )
    return float(result["requests"] / result["seconds"])


def _check_same(sides: dict[str, Backend], paths: list[str]) -> None:
    clients = [Client(server) for server in sides.values()]
    for path in paths:
        if len({client.get(path) for client in clients}) != 1:
            raise UserError(
                f"the bare handler answers {path} with other bytes than the API",
                "give bench/api/bare.py the API's statements",
            )
