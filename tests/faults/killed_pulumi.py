"""Kills a real `pulumi` with -9 at a chosen event of its engine, and checks what comes after."""

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.stack.stack_under_test import SERVICES, Stack

MOMENTS = {"resourcePreEvent": "beginning", "resOutputsEvent": "end"}
# Comparisons: nothing is under way on the engine.
HARMLESS = {"same", "refresh", "read"}
DEFAULT_KILLS = 8
# An operation takes from 20 ms (a volume) over 2 s (a network) to 5 s (a job).
DELAYS = (0.0, 0.0, 0.05, 0.15, 0.5)


@dataclass(frozen=True, order=True)
class Point:
    """The beginning or the end of one operation of Pulumi's engine on one resource."""

    resource: str
    operation: str
    moment: str

    def __str__(self) -> str:
        return f"the {self.moment} of {self.operation} of {self.resource}"


@dataclass(frozen=True)
class Kill:
    """Where to kill pulumi, and how many seconds later: then the engine is in the midst of it."""

    at: Point
    delay: float

    def __str__(self) -> str:
        return f"{self.delay:g} s after {self.at}"


def run(stack: Stack, command: str, kill: Kill | None = None) -> list[Point]:
    """Run pulumi until its end, or kill it at a point; returns the points that it came by."""
    log = stack.root / "events.json"
    log.write_text("")
    seen = []
    with (stack.root / "pulumi.out").open("w") as out, log.open() as events:
        process = subprocess.Popen(
            ["pulumi", command, "--yes", "--skip-preview", f"--event-log={log}"],
            cwd=stack.root,
            # Without it the CLI has no --event-log.
            env={**stack.env, "PULUMI_DEBUG_COMMANDS": "true"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            for point in _points(events, process):
                seen.append(point)
                if kill and point == kill.at:
                    time.sleep(kill.delay)
                    break
        finally:
            process.kill()
            process.wait()
    output = (stack.root / "pulumi.out").read_text()
    if kill is None:
        assert process.returncode == 0, output
    else:
        assert seen[-1:] == [kill.at], f"{command} never came by {kill.at}:\n{output}"
    return seen


def _points(events: TextIO, process: subprocess.Popen[bytes]) -> Iterator[Point]:
    rest, running = "", True
    while running:
        running = process.poll() is None
        rest += events.read()
        *lines, rest = rest.split("\n")
        for line in lines:
            yield from _of_event(json.loads(line))
        if not lines:
            time.sleep(0.002)


def _of_event(event: dict[str, Any]) -> Iterator[Point]:
    for kind, moment in MOMENTS.items():
        if found := event.get(kind):
            metadata = found["metadata"]
            if metadata["op"] not in HARMLESS:
                short = metadata["type"].rpartition(":")[2]
                name = metadata["urn"].rpartition("::")[2]
                yield Point(f"{short} {name}", metadata["op"], moment)


def chosen(points: list[Point]) -> list[Kill]:
    """Return the kills of this run, by KILLS (a number, or `all`) and SEED.

    Prints the seed, by which a failed run is repeated.
    """
    wanted = os.environ.get("KILLS", str(DEFAULT_KILLS))
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
    chance = random.Random(seed)  # noqa: S311
    distinct = sorted(set(points))
    chance.shuffle(distinct)
    some = distinct if wanted == "all" else distinct[: int(wanted)]
    print(f"killing at {len(some)} of {len(distinct)} points (SEED={seed})")
    return [Kill(point, chance.choice(DELAYS)) for point in some]


def assert_sound(stack: Stack) -> None:
    """Assert that all is healthy, and that engine, state and program agree to the last object."""
    baked = {"proxy"} & stack.ids().keys()
    assert stack.health() == dict.fromkeys(SERVICES | baked, "healthy")
    for job in ("roles", "migrations"):
        state = stack.inspect(job)["State"]
        assert (state["Status"], state["ExitCode"]) == ("exited", 0), job
    assert stack.get("/health")[0] == 200
    exported = json.loads(stack.pulumi("stack", "export"))["deployment"]
    assert not exported.get("pending_operations")
    assert stack.objects() == in_the_state(exported["resources"])
    assert not locks(stack)
    assert not plugins(stack)
    stack.unchanged()


def in_the_state(resources: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the same as `Stack.objects`, as Pulumi's state has it."""
    known: dict[str, list[str]] = {}
    for kind in ("Container", "Network", "RemoteImage", "Volume"):
        of_kind = [one for one in resources if one["type"].endswith(f":{kind}")]
        known[kind] = sorted(
            one["inputs"]["name"] if kind == "RemoteImage" else one["id"]
            for one in of_kind
            # The others are public images, which other stacks share.
            if kind != "RemoteImage" or one["inputs"].get("build")
        )
    return known


def locks(stack: Stack) -> list[Path]:
    """Return the stack's locks in Pulumi's local backend."""
    return [path for path in (stack.root / ".hub/state/.pulumi/locks").rglob("*") if path.is_file()]


def plugins(stack: Stack) -> list[str]:
    """Return the command lines of Pulumi's processes that work for the stack."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            inside = (process / "cwd").readlink().is_relative_to(stack.root)
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if inside and "pulumi-" in line:
            found.append(line)
    return found
