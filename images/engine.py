"""The Docker command line, as far as building twins needs it."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolchain.console import UserError

# A step that is quiet for longer looks dead to its reader.
HEARTBEAT_SECONDS = 15.0
TAIL_LINES = 15
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

Say = Callable[[str], None]


def require() -> None:
    """Raise UserError unless the Docker engine answers."""
    try:
        answer = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UserError("the docker command is missing", "apt-get install docker.io") from None
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or ["docker version failed"]
        raise UserError(lines[-1], "make up (it starts the engine), or start Docker yourself")


def label(image: str, name: str) -> str | None:
    """Return the label of a local image: "" where it has none, None: no such image."""
    template = f'{{{{index .Config.Labels "{name}"}}}}'
    answer = subprocess.run(
        ["docker", "image", "inspect", "--format", template, image],
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() if answer.returncode == 0 else None


def remove(image: str) -> None:
    """Remove a name, and what no other name needs. Not there or in use: nothing happens."""
    subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)


def remove_unnamed(label: str) -> None:
    """Remove the images with this label (NAME=VALUE) that have neither a name nor a user."""
    filters = ["--filter", "dangling=true", "--filter", f"label={label}"]
    listed = subprocess.run(
        ["docker", "image", "ls", "--quiet", *filters], capture_output=True, text=True, check=True
    )
    for image in listed.stdout.split():
        remove(image)


def disk_root() -> Path:
    """Return the folder where the engine keeps its images."""
    answer = subprocess.run(
        ["docker", "info", "--format", "{{.DockerRootDir}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(answer.stdout.strip())


def run_logged(
    command: Sequence[str],
    log: Path,
    say: Say,
    *,
    doing: str,
    keep_open: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a long command with its output in `log`, telling every 15 s how far it is.

    `keep_open` is a lock's file descriptor that the child holds too: if this process is killed,
    the lock lives as long as its orphan does.

    Raises UserError with the last lines of the log where the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = told = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "DOCKER_BUILDKIT": "0", **(environment or {})},
            pass_fds=() if keep_open is None else (keep_open,),
        )
        try:
            while True:
                try:
                    code = process.wait(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    now = time.monotonic()
                    if now - told >= HEARTBEAT_SECONDS:
                        told = now
                        say(f"  … {now - began:.0f} s: {last_line(log)}")
        except BaseException:
            # Ctrl-C or a kill: nothing half-done may go on behind the reader's back.
            process.terminate()
            process.wait()
            raise
    if code:
        tail = "\n".join(f"    {line}" for line in _lines(log)[-TAIL_LINES:])
        raise UserError(
            f"{doing} failed (exit {code}); its last lines, all of them in {log}:\n{tail}",
            "mend what the last lines name (often the network or the disk), then run: "
            "python -m images build",
        )


def last_line(log: Path) -> str:
    """Return the newest line of a log that is being written, cut to one terminal line."""
    lines = _lines(log)
    return lines[-1][:90] if lines else "starting"


def _lines(log: Path) -> list[str]:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8192))
        text = file.read().decode(errors="replace")
    plain = COLOUR.sub("", text).replace("\r", "\n")
    lines = [line.strip() for line in plain.splitlines()]
    return [line for line in lines if line and not line.startswith("--->")]
