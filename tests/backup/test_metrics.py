"""The service's metrics: the real service, with stand-ins for PostgreSQL's programs."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from backup.names import DumpName, checksum_file, dumps
from tests.app.scrapes import Scrape, listening, scrape
from tests.app.support import ROOT, free_port

STACK = "dev"
# What the service calls; `good` in their folder says that a dump can be made.
PROGRAMS = {
    "pg_dump": "[ -e $(dirname $0)/good ] && printf 'a dump' || { echo refused >&2; exit 1; }",
    "pg_restore": "exit 0",
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    (folder := tmp_path / "programs").mkdir()
    for name, does in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (folder := tmp_path / "dumps").mkdir()
    return folder


# `python -m backup`, but it tries again soon and writes nothing outside of the test's folder.
SERVICE = """
import sys
from pathlib import Path
from backup import __main__ as service
service.FAILED, service.RETRY = Path(sys.argv[1]), 0.2
service.main()
"""


@contextmanager
def service(folder: Path, programs: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the service with a yearly schedule until the block ends; its log is beside its dumps."""
    variables = {
        **{"BACKUP_FOLDER": str(folder), "BACKUPS_KEPT": "3", "STACK": STACK},
        **{"BACKUP_SCHEDULE": "0 0 1 1 *", "PATH": f"{programs}:{os.environ['PATH']}"},
        **{"HTTP_PORT": str(port)},
    }
    with (folder.parent / "log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVICE, str(folder.parent / "failed")],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def log(folder: Path) -> str:
    return (folder.parent / "log").read_text()


def until(folder: Path, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, log(folder)
        time.sleep(0.05)


def read(port: int) -> dict[str, float]:
    """Return the service's own metrics, less the common start of their names."""
    found: Scrape = scrape(port)
    names = [name for name in found.samples if name.startswith("hub_")]
    return {name.removeprefix("hub_backup_"): found.values(name)[()] for name in names}


def new_year(years: int) -> float:
    """Return when a dump is due: this year's, or that of so many years later."""
    return datetime(datetime.now(UTC).year + years, 1, 1, tzinfo=UTC).timestamp()


def test_a_dump_that_is_made_and_one_that_fails_are_told(folder: Path, programs: Path) -> None:
    port = free_port()
    with service(folder, programs, port) as process:
        until(folder, lambda: "no dump was made" in log(folder))
        assert read(port) == {
            "last_run_failed": 1,
            "next_due_timestamp_seconds": new_year(0),  # it is overdue
        }
        (programs / "good").touch()
        until(folder, lambda: "a dump was made" in log(folder))
        until(folder, lambda: read(port)["last_run_failed"] == 0)
        ((name, dump),) = dumps(folder, STACK)
        assert read(port) == {
            "last_run_failed": 0,
            "last_success_timestamp_seconds": name.at.timestamp(),
            "last_size_bytes": dump.stat().st_size,
            "next_due_timestamp_seconds": new_year(1),
        }
        assert "process_start_time_seconds" in scrape(port).samples
        assert listening(process.pid) == {port}
        # What is missing from the folder is not told, and a scrape is answered all the same.
        folder.rename(folder.with_name("gone"))
        assert read(port).keys() == {"last_run_failed", "next_due_timestamp_seconds"}


def test_its_health_is_that_of_the_last_dump(folder: Path, programs: Path) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    with service(folder, programs, port):
        until(folder, lambda: "no dump was made" in log(folder))
        assert httpx.get(f"{url}/health").status_code == 503
        assert httpx.get(f"{url}/").status_code == 404
        (programs / "good").touch()
        until(folder, lambda: httpx.get(f"{url}/health").status_code == 200)


def test_dumps_of_before_are_known_from_the_start_and_those_of_the_future_do_not_count(
    folder: Path, programs: Path
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for days, content in ((-2, b"older"), (-1, b"the newer one"), (3, b"of the future")):
        path = folder / str(DumpName(now + timedelta(days), STACK, "c069ae64b4e5"))
        path.write_bytes(content)
        checksum_file(path).touch()
    port = free_port()
    with service(folder, programs, port) as process:
        until(folder, lambda: listening(process.pid) == {port})
        found = read(port)
    assert found["last_success_timestamp_seconds"] == (now - timedelta(1)).timestamp()
    assert found["last_size_bytes"] == len(b"the newer one")
    assert found["last_run_failed"] == 0


def test_a_port_that_is_taken_is_told_in_one_line_and_dumps_are_made(
    folder: Path, programs: Path
) -> None:
    (programs / "good").touch()
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]
        with service(folder, programs, port):
            until(folder, lambda: "a dump was made" in log(folder))
    lines = [line for line in log(folder).splitlines() if "HTTP_PORT" in line]
    assert len(lines) == 1
    assert f"HTTP_PORT {port} cannot be listened on (Address already in use)" in lines[0]
