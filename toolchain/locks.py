"""The locks of Pulumi's local backend: a running update's is respected, a dead one's removed.

Pulumi itself never looks whether the process that locked a stack still lives. Locks of a backend
elsewhere are left to Pulumi: who holds them cannot be seen from here.
"""

import json
import socket
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.problems import PROJECT
from toolchain import backend, console, processes
from toolchain.console import UserError

# A lock is written in well under a second: one that cannot be read for longer is half a lock.
HALF_WRITTEN_SECONDS = 10.0


@dataclass(frozen=True)
class Lock:
    """Who locked a stack, and when."""

    file: Path
    pid: int
    user: str
    host: str
    since: datetime

    def __str__(self) -> str:
        """Say who and since when, in this machine's time."""
        since = self.since.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return f"pulumi, process {self.pid} of {self.user} on {self.host}, since {since}"


def settle(stack: str) -> None:
    """Remove the locks of dead updates of the stack; raises `UserError` while one may be alive."""
    for file in _of(stack):
        lock = _read(file)
        if lock is not None:
            _refuse_if_alive(stack, lock)
        # By its own name: `pulumi cancel` would also remove the lock that a second `make up` has
        # taken since.
        file.unlink(missing_ok=True)
        file.with_name(f"{file.name}.attrs").unlink(missing_ok=True)
        if lock is not None:
            console.say(f"removed the lock of an update that is dead ({lock})")


def _refuse_if_alive(stack: str, lock: Lock) -> None:
    if lock.host != socket.gethostname():
        raise UserError(
            f"stack {stack} is locked by an update on another machine: {lock}",
            f"wait for its end; if it is dead: pulumi cancel --yes --stack {stack}, "
            f"then the same make command again",
        )
    if _is_pulumi(lock.pid):
        raise UserError(
            f"another update of stack {stack} is running: {lock}",
            f"wait for its end (`tail --pid={lock.pid} -f /dev/null` returns then), then run the "
            f"same make command again; to end it in order: kill -INT {lock.pid}",
        )


def _of(stack: str) -> list[Path]:
    """Return the files of the stack's locks; none if the backend is not a folder."""
    folder = backend.folder()
    locks = folder / "locks" / "organization" / PROJECT / stack if folder else None
    if locks is None or not locks.is_dir():
        return []
    return sorted(file for file in locks.iterdir() if file.suffix != ".attrs")


def _read(file: Path) -> Lock | None:
    """Return the lock; None if its writer died over it, or it is gone meanwhile."""
    try:
        text = file.read_text()
        found = json.loads(text)
        since = datetime.fromisoformat(found["timestamp"])
        return Lock(file, int(found["pid"]), found["username"], found["hostname"], since)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        pass
    try:
        age = time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return None
    if age < HALF_WRITTEN_SECONDS:
        raise UserError("another update is just starting", "the same make command, in a moment")
    return None


def _is_pulumi(pid: int) -> bool:
    """Tell whether the process runs on this machine and is pulumi; a zombie does not run."""
    if Path("/proc/self/stat").exists():
        found = processes.stat(pid)
        return found is not None and found[0].startswith("pulumi") and found[1][0] not in "ZX"
    shown = processes.answer(["ps", "-o", "stat=,comm=", "-p", str(pid)], 10.0).stdout.split()
    return len(shown) > 1 and shown[0][0] != "Z" and Path(shown[1]).name.startswith("pulumi")
