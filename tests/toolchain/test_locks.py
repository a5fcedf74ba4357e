"""Whose lock is respected, and whose is removed: real processes, locks as Pulumi writes them."""

import getpass
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolchain import locks
from toolchain.console import UserError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the locks of stack `one` in a backend whose path has to be quoted."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/my%20state")
    made = tmp_path / "my state" / ".pulumi" / "locks" / "organization" / "ontology-hub" / "one"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def running_pulumi(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process of the name `pulumi`."""
    program = tmp_path / "pulumi"
    shutil.copy2(str(shutil.which("sleep")), program)
    with subprocess.Popen([program, "60"]) as process:
        yield process
        process.kill()


def write(folder: Path, pid: int, host: str | None = None) -> Path:
    """Write a lock, and the file that Pulumi's library for folders puts beside each."""
    lock = folder / "5e2b0d6c-0000-4000-8000-000000000000.json"
    content = {
        "pid": pid,
        "username": getpass.getuser(),
        "hostname": host or socket.gethostname(),
        "timestamp": "2026-01-31T12:00:00.123456789Z",
    }
    lock.write_text(json.dumps(content))
    (folder / f"{lock.name}.attrs").write_text("{}")
    return lock


def test_the_lock_of_a_running_pulumi_is_respected_and_says_who_and_since_when(
    folder: Path, running_pulumi: subprocess.Popen[bytes]
) -> None:
    lock = write(folder, running_pulumi.pid)
    with pytest.raises(UserError) as refused:
        locks.settle("one")
    assert f"process {running_pulumi.pid} of {getpass.getuser()}" in refused.value.message
    assert "since 2026-01-31" in refused.value.message
    assert "tail --pid=" in refused.value.mend
    assert lock.exists()


def test_the_lock_of_a_killed_pulumi_is_removed_also_if_nobody_has_reaped_it(
    folder: Path,
    running_pulumi: subprocess.Popen[bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(folder, running_pulumi.pid)
    running_pulumi.kill()
    os.waitid(os.P_PID, running_pulumi.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    locks.settle("one")
    assert list(folder.iterdir()) == []
    assert f"process {running_pulumi.pid}" in capsys.readouterr().out


def test_the_lock_of_a_process_id_that_now_is_another_programs_is_removed(folder: Path) -> None:
    write(folder, os.getpid())
    locks.settle("one")
    assert list(folder.iterdir()) == []


def test_a_lock_from_another_machine_is_respected(folder: Path) -> None:
    lock = write(folder, os.getpid(), host="elsewhere")
    with pytest.raises(UserError, match="on another machine") as refused:
        locks.settle("one")
    assert "pulumi cancel --yes --stack one" in refused.value.mend
    assert lock.exists()


def test_a_lock_whose_writer_died_over_it_is_removed_but_not_while_it_may_be_written(
    folder: Path,
) -> None:
    half = folder / "5e2b0d6c.json.17f.tmp"
    half.write_text('{"pid":')
    with pytest.raises(UserError, match="just starting"):
        locks.settle("one")
    os.utime(half, (0, 0))
    locks.settle("one")
    assert list(folder.iterdir()) == []


def test_the_locks_of_another_stack_are_left_alone(folder: Path) -> None:
    other = folder.parent / "another"
    other.mkdir()
    lock = write(other, os.getpid())
    locks.settle("one")
    assert lock.exists()


def test_a_backend_elsewhere_is_left_to_pulumi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    locks.settle("one")
