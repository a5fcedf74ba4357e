"""`make logs`: the logs of several containers as one stream, in the order of time."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

from infra.log_lines import readable
from infra.naming import Naming
from infra.problems import PROJECT
from toolchain import objects

TAIL = 100
ROLE_LABEL = f"{PROJECT}.role"
# Seconds that the log of a container that was started again may take to end.
ENDING = 2.0
# Lines that come together are put in order together: what the logs hold already comes in one burst,
# which ends with so many seconds without a line, or after so many in all.
PAUSE = 0.1
BURST = 1.0

# What `docker logs --timestamps` writes before a line. All are of one length and in UTC, so that
# their order as texts is that of time.
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (.*)", re.DOTALL)


class Line(NamedTuple):
    """A line of a container's log, and when the engine got it; "" if it is the engine's own."""

    written: str
    role: str
    text: str


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
        for written, whose, text in streams.lines():
            print(text if raw else readable(text, whose, written), flush=True)
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
        self._lines: SimpleQueue[Line | None] = SimpleQueue()
        self._commands: list[subprocess.Popen[str]] = []
        self._readers: dict[str, Thread] = {}

    def lines(self) -> Iterator[Line]:
        """Yield the lines as they come, each burst of them in the order of time."""
        ended = 0
        while ended < len(self._commands):
            burst = self._burst()
            ended += burst.count(None)
            # By time alone: two of the same moment stay in the order in which they came.
            yield from sorted(filter(None, burst), key=lambda line: line.written)

    def _burst(self) -> list[Line | None]:
        burst = [self._lines.get()]
        end = time.monotonic() + BURST
        with suppress(Empty):
            while (left := end - time.monotonic()) > 0:
                burst.append(self._lines.get(timeout=min(PAUSE, left)))
        return burst

    def read(self, container: str, role: str, *options: str) -> None:
        """Follow the log of one container (an id)."""
        command = ["docker", "logs", "--follow", "--timestamps", *options, container]

        def take(line: str) -> None:
            found = TIMESTAMP.fullmatch(line)
            written, text = found.groups() if found else ("", line)
            self._lines.put(Line(written, role, text))

        self._readers[container] = self._start(command, take)

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
