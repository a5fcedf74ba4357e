"""Run other programs, quietly unless they fail."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from toolchain.console import UserError

Result = TypeVar("Result")
LAST_LINES = 15
Done = subprocess.CompletedProcess[str]


def answer(command: Sequence[str], seconds: float, env: Mapping[str, str] | None = None) -> Done:
    """Run a quick question; a missing program or no answer in time counts as a failed one."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=env,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        return Done(command, 127, "", str(error))
    except subprocess.TimeoutExpired:
        return Done(command, 124, "", f"no answer within {seconds:g} s")


def stat(pid: int) -> tuple[str, list[str]] | None:
    """Return a process's name, and its state, parent and what follows (proc(5)).

    None for a process that is gone, and where there is no /proc.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # "1234 (pulumi) S 1 ...": the name may itself hold blanks and parentheses.
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name, rest.split()


def work(
    command: Sequence[str],
    mend: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a long command; raises `UserError` with its last lines if it fails."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=cwd,
            env={**os.environ, **(env or {})},
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise UserError(f"{command[0]} does not run: {error}", mend) from None
    if done.returncode != 0:
        shown = " ".join(command[:4])
        raise UserError(
            f"`{shown} …` failed with exit code {done.returncode}:\n{tail(done.stdout)}", mend
        )


def tail(text: str) -> str:
    """Return the last lines of an output, indented."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-LAST_LINES:])


class Later(Generic[Result]):
    """A call that runs beside its caller (concurrent.futures takes 100 ms to import)."""

    def __init__(self, call: Callable[[], Result]) -> None:
        """Start the call."""
        self._call = call
        self._results: list[Result] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:  # raised again where the result is asked for
            self._errors.append(error)

    def result(self) -> Result:
        """Wait for the call's end; return what it returned, or raise what it raised."""
        self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._results[0]


def debian_root() -> bool:
    """Tell whether packages can be installed here: Debian (or a child of it), and root."""
    return Path("/etc/debian_version").exists() and os.geteuid() == 0


def apt_install(*packages: str) -> None:
    """Install Debian packages without a question; raises `UserError` with apt's words."""
    env = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    mend = f"apt-get update && apt-get install {' '.join(packages)}"
    work(["apt-get", "update", "-q"], mend, env=env)
    work(["apt-get", "install", "-q", "-y", *packages], mend, env=env)


def base_python() -> str:
    """Return the interpreter outside any virtual environment that runs this program."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = Path(sys.base_prefix) / "bin" / version
    return str(path) if path.exists() else sys.executable
