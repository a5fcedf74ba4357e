"""Where the time goes: what Pulumi does step by step, and what the engine does on either side."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.sides import ComposeSide, PulumiSide

Say = Callable[[str], None]
Stamped = list[tuple[float, dict[str, Any]]]

# Health checks would fill the list, and so would a volume that is announced at each mount.
SHOWN = {
    "container": ("create", "start", "die", "destroy", "health_status: healthy"),
    "network": ("create", "destroy"),
    "volume": ("destroy",),
}
QUICK = 0.05  # seconds; a Pulumi step below that is not worth a line


@dataclass(frozen=True)
class Line:
    """Something that lasted from `begin` to `end` (both on the monotonic clock)."""

    begin: float
    end: float
    text: str


def show(pulumi: PulumiSide, compose: ComposeSide, say: Say) -> None:
    """Bring each side up, up again and down, and tell when what happened (seconds from start)."""
    for command in ("up", "up", "destroy"):
        with _engine_events(f"ontology-hub-{pulumi.stack.name}") as seen:
            started = time.monotonic()
            steps = _pulumi_steps(pulumi, command)
            ended = time.monotonic()
        _tell(f"pulumi {command}", started, ended, steps + seen, say)
    for command, call in (("up", compose.up), ("up", compose.up), ("down", compose.down)):
        with _engine_events(compose.project) as seen:
            started = time.monotonic()
            call()
            ended = time.monotonic()
        _tell(f"compose {command}", started, ended, seen, say)


def _pulumi_steps(side: PulumiSide, command: str) -> list[Line]:
    """Run pulumi and return its steps, each with the times at which it told of them."""
    log = Path(side.stack.root) / ".hub" / "events.json"
    log.write_text("")
    seen: Stamped = []
    ended = threading.Event()

    def follow() -> None:
        # The events' own times are whole seconds.
        with log.open() as file:
            rest = ""
            while True:
                last = ended.is_set()
                *lines, rest = (rest + file.read()).split("\n")
                seen.extend((time.monotonic(), json.loads(line)) for line in lines)
                if last:
                    return
                time.sleep(0.02)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        side.debug(command, "--skip-preview", "--event-log", str(log))
    finally:
        ended.set()
        follower.join()
    return _paired(seen)


def _paired(seen: Stamped) -> list[Line]:
    lines: list[Line] = []
    begun: dict[tuple[str, str], float] = {}
    for when, event in seen:
        if began := event.get("resourcePreEvent"):
            begun[began["metadata"]["op"], began["metadata"]["urn"]] = when
        elif ended := event.get("resOutputsEvent"):
            operation, urn = ended["metadata"]["op"], ended["metadata"]["urn"]
            begin = begun.pop((operation, urn), when)
            lines.append(Line(begin, when, f"pulumi {operation} {_kind_and_name(urn)}"))
    return lines


def _kind_and_name(urn: str) -> str:
    kind, name = urn.split("::")[-2:]
    return f"{kind.rsplit(':', 1)[1]} {name}"


@contextmanager
def _engine_events(prefix: str) -> Iterator[list[Line]]:
    """Collect the engine's events while the block runs, of what has a name with this prefix."""
    seen: list[Line] = []
    with subprocess.Popen(
        ["docker", "events", "--format={{json .}}"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as listener:
        assert listener.stdout is not None
        lines = listener.stdout

        def follow() -> None:
            for line in lines:
                event = json.loads(line)
                actor = event["Actor"]
                name = actor["Attributes"].get("name") or actor["ID"]
                if event["Action"] in SHOWN.get(event["Type"], ()) and name.startswith(prefix):
                    now = time.monotonic()
                    what = name.removeprefix(prefix).lstrip("-_") or "(the stack's)"
                    seen.append(Line(now, now, f"engine {event['Action']} {event['Type']} {what}"))

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield seen
            time.sleep(0.2)  # for the last ones to arrive
        finally:
            listener.terminate()
            follower.join()


def _tell(title: str, started: float, ended: float, lines: list[Line], say: Say) -> None:
    say(f"\n{title}: {ended - started:.1f} s (begin, end, seconds, what)")
    for line in sorted(lines, key=lambda line: line.begin):
        begin, end = line.begin - started, line.end - started
        if line.text.startswith("engine"):
            say(f"  {begin:6.2f}                {line.text}")
        elif end - begin >= QUICK:
            say(f"  {begin:6.2f} {end:6.2f} {end - begin:6.2f}  {line.text}")
