"""Processes that a killed `pulumi` has left: providers, and the host of the program.

They end by themselves, but providers take up to five minutes. Until then what they had begun may
still reach the engine, after somebody has looked at it.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from toolchain import processes

PROC = Path("/proc")
PLUGINS = ("pulumi-resource-", "pulumi-language-")
GONE_SECONDS = 5.0


def end(root: Path) -> int:
    """End the plugins that work for the project in `root` and whose engine is dead.

    Returns how many there were. Where there is no /proc nothing is done.
    """
    strays = [pid for pid in _plugins(root) if not _has_engine(pid)]
    for pid in strays:
        # One by one and never by group: only what has been looked at is killed.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + GONE_SECONDS
    while not all(_ended(pid) for pid in strays) and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(strays)


def _plugins(root: Path) -> list[int]:
    found = []
    for folder in PROC.glob("[1-9]*"):
        try:
            # Pulumi starts a plugin in the folder of the program that it works for.
            cwd = (folder / "cwd").readlink()
        except OSError:  # gone meanwhile, or somebody else's
            continue
        if cwd.is_relative_to(root) and _is_plugin(int(folder.name)):
            found.append(int(folder.name))
    return found


def _is_plugin(pid: int) -> bool:
    # A script's name comes after its interpreter's.
    return any(Path(word).name.startswith(PLUGINS) for word in _argv(pid)[:2])


def _has_engine(pid: int) -> bool:
    """Tell whether a pulumi that is no plugin is above the process: what is orphaned has none."""
    while pid > 1:
        argv = _argv(pid)
        if argv and Path(argv[0]).name.startswith("pulumi") and not _is_plugin(pid):
            return True
        pid = _parent(pid)
    return False


def _argv(pid: int) -> list[str]:
    """Return the command line; empty for a process that has ended."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
    return [word.decode(errors="replace") for word in words if word]


def _ended(pid: int) -> bool:
    # Not by its command line, which is gone a moment before the process is.
    found = processes.stat(pid)
    return found is None or found[1][0] in "ZX"


def _parent(pid: int) -> int:
    found = processes.stat(pid)
    return 0 if found is None else int(found[1][1])
