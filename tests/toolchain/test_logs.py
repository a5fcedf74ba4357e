"""`make logs`: one stream of all containers, with those that start meanwhile, ended quietly.

The engine's part is played by a script that answers as `docker` does.
"""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DOCKER = """#!/bin/sh
case "$*" in
ps*) cat "$ANSWERS/ps" ;;
events*) cat "$ANSWERS/events"; exec sleep 60 ;;
logs*--timestamps*" old") cat "$ANSWERS/old"; test "$STATE" = exited || exec sleep 60 ;;
logs*--timestamps*" older") cat "$ANSWERS/older" ;;
logs*--timestamps*--since=5.000000007*" new") echo "$LATER started later" ;;
*) echo "unexpected: $*"; exit 1 ;;
esac
"""
EVENT = '{"time": "2026-11-28T16:00:01+00:00", "level": "INFO", "message": "m", "k": 1}'
# When the engine got a line of the backend, and one later.
AT, LATER = "2026-11-28T16:00:02.000000005Z", "2026-11-28T16:00:03.000000000Z"
PROGRAM = "import sys; from toolchain.view import logs; logs('test', *sys.argv[1:] or [None])"

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `make logs` of a stack whose backend is `state`, and `older`'s log, if any, beside."""
    label = "ontology-hub.role"
    container = {"ID": "old", "Labels": f"{label}=backend"}
    event = {"Actor": {"ID": "new", "Attributes": {label: "backend"}}, "timeNano": 5_000_000_007}
    (tmp_path / "events").write_text(json.dumps(event) + "\n")
    (tmp_path / "old").write_text(f"{AT} {EVENT}\n{AT} plain\n")
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    started: list[subprocess.Popen[bytes]] = []

    def run(
        state: str,
        *arguments: str,
        stdout: int = subprocess.PIPE,
        older: str | None = None,
        **variables: str,
    ) -> "subprocess.Popen[bytes]":
        listed = [{**container, "State": state}]
        if older is not None:
            listed.append({**container, "ID": "older", "State": "exited"})
            (tmp_path / "older").write_text(older)
        (tmp_path / "ps").write_text("".join(f"{json.dumps(one)}\n" for one in listed))
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "ANSWERS": str(tmp_path),
            "LATER": LATER,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment, "STATE": state, **variables},
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def read(process: "subprocess.Popen[bytes]", count: int) -> set[str]:
    assert process.stdout is not None
    return {process.stdout.readline().decode() for _ in range(count)}


def test_lines_into_a_pipe_are_as_written_also_of_containers_that_start_later(start: Start) -> None:
    process = start("running")
    assert read(process, 3) == {f"{EVENT}\n", "plain\n", "started later\n"}
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == (b"", b"", 0)


def test_logs_of_containers_that_have_ended_end_by_themselves(start: Start) -> None:
    process = start("exited", "backend")
    out, err = process.communicate(timeout=20)
    assert (out.decode(), err, process.returncode) == (f"{EVENT}\nplain\n", b"", 0)


@pytest.mark.parametrize("raw", ["", "1"])
def test_a_terminal_shows_lines_for_people_unless_it_is_told_otherwise(
    start: Start, raw: str
) -> None:
    ours, theirs = pty.openpty()
    process = start("exited", stdout=theirs, RAW=raw)
    os.close(theirs)
    assert process.wait(20) == 0
    with os.fdopen(ours, "rb") as terminal:
        shown = terminal.read1(4096).decode().replace("\r\n", "\n")
    expected = f"{EVENT}\nplain\n" if raw else "16:00:01 backend           INFO    m k=1\n"
    assert shown.startswith(expected)
    assert raw or shown.endswith("16:00:02 backend           plain\n")


def test_what_the_logs_hold_is_told_in_the_order_of_time_and_a_refusal_of_the_engine_too(
    start: Start,
) -> None:
    before, after = AT.replace("05Z", "04Z"), AT.replace("05Z", "06Z")
    process = start("exited", older=f"{before} first\n{after} last\nError: refused\n")
    out, _ = process.communicate(timeout=20)
    assert out.decode().splitlines() == ["Error: refused", "first", EVENT, "plain", "last"]


def test_a_reader_that_has_seen_enough_ends_it_quietly(start: Start) -> None:
    process = start("running")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(20) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
