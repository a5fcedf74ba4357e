"""`make logs`: the logs of several containers as one stream, in the order in which they come."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread

from infra.log_lines import readable
from infra.naming import Naming
from infra.problems import PROJECT
from toolchain import objects

TAIL = 100
ROLE_LABEL = f"{PROJECT}.role"
# Seconds that the log of a container that was started again may take to end.
ENDING = 2.0


def follow(stack: str, role: str | None, found: Sequence[dict[str, str]], raw: bool) -> None:
    """Print the containers' logs (`found`, from `docker ps`) as they come, until Ctrl-C.

    Containers of the stack and role that start meanwhile are followed too. Where none runs, as of
    a job, it ends by itself. `raw` prints lines as the containers wrote them.
    """
    streams = _Streams()
    try:
        if any(one["State"] == "running" for one in found):
            streams.watch(stack, role)
        for one in found:
            streams.read(one["ID"], role_of(one), f"--tail={TAIL}")
        for whose, line in iter(streams.next, None):
            print(line if raw else readable(line, whose), flush=True)
    except KeyboardInterrupt:
        if not raw:
            print()
    except BrokenPipeError:
        # Whoever read it, such as `head`, has seen enough; the interpreter's own flush at the end
        # would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        streams.close()


def role_of(container: dict[str, str]) -> str:
    """Return the role of a container that `docker ps` tells of."""
    return objects.label(container, ROLE_LABEL) or "?"


class _Streams:
    """Docker commands whose lines come together in one queue."""

    def __init__(self) -> None:
        # None: a command has ended.
        self._lines: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._commands: list[subprocess.Popen[str]] = []
        self._readers: dict[str, Thread] = {}
        self._ended = 0

    def next(self) -> tuple[str, str] | None:
        """Return the next role and line; None when no more can come."""
        while self._ended < len(self._commands):
            item = self._lines.get()
            if item is not None:
                return item
            self._ended += 1
        return None

    def read(self, container: str, role: str, *options: str) -> None:
        """Follow the log of one container (an id)."""
        command = ["docker", "logs", "--follow", *options, container]
        self._readers[container] = self._start(command, lambda line: self._lines.put((role, line)))

    def watch(self, stack: str, role: str | None) -> None:
        """Follow each container of the stack, or of one of its roles, that starts from now on."""
        filters = [*Naming(PROJECT, stack).filters(), f"--filter=label={ROLE_LABEL}"]
        if role is not None:
            filters[-1] += f"={role}"
        kind = ["--filter=type=container", "--filter=event=start"]
        self._start(["docker", "events", *kind, *filters, "--format={{json .}}"], self._started)

    def close(self) -> None:
        """End all commands."""
        for command in self._commands:
            command.terminate()
        for command in self._commands:
            command.wait()

    def _started(self, line: str) -> None:
        event = json.loads(line)
        container, nanoseconds = event["Actor"]["ID"], event["timeNano"]
        if reader := self._readers.get(container):
            reader.join(ENDING)
            if reader.is_alive():  # what it reads goes on
                return
        since = f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09}"
        self.read(container, event["Actor"]["Attributes"][ROLE_LABEL], f"--since={since}")

    def _start(self, command: list[str], take: Callable[[str], None]) -> Thread:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # one stream, in the order in which the container wrote it
            text=True,
            errors="replace",
        )
        self._commands.append(process)
        thread = Thread(target=self._pump, args=(process, take), daemon=True)
        thread.start()
        return thread

    def _pump(self, process: "subprocess.Popen[str]", take: Callable[[str], None]) -> None:
        assert process.stdout is not None  # noqa: S101
        with process.stdout:
            for line in process.stdout:
                take(line.rstrip("\n"))
        self._lines.put(None)
