"""Run the programs that are measured, so that Ctrl-C leaves nothing half-made behind."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain import processes
from toolchain.console import UserError

TIME_LIMIT = 600.0  # seconds; far above what any measured command takes on a slow machine
STOP_SECONDS = 90.0


@dataclass(frozen=True)
class Finished:
    """A command that ended well: seconds on the wall, and what it printed on both streams."""

    seconds: float
    output: str


def run(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
    """Run a command and time it; raises `UserError` with its last lines if it fails.

    On Ctrl-C the command is told once and waited for: killed outright, pulumi and compose would
    leave containers that appear after the clean-up has looked.
    """
    started = time.monotonic()
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # The terminal's Ctrl-C would reach it beside ours; told twice, pulumi drops its state.
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=TIME_LIMIT)
    except BaseException:
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
        raise
    seconds = time.monotonic() - started
    if child.returncode != 0:
        raise UserError(
            f"`{' '.join(command)}` in {cwd} ended with exit code {child.returncode}:\n"
            + processes.tail(output),
            "mend what it names (`make up` must work first), then run `make bench` again",
        )
    return Finished(seconds, output)
