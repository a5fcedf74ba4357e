"""The service that makes dumps by a schedule, on a real stack."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backup.names import checksum_file, dumps
from tests.policy.container import running
from tests.policy.rules import violations
from tests.stack.dumps import all_healthy, backup, create_draft, rows
from tests.stack.operations import follow
from tests.stack.stack_under_test import Stack, docker, eventually


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="true")
    stack.up()
    create_draft(stack)
    yield stack
    stack.config(backupSchedule="")
    stack.hub("down")
    assert not any(stack.objects().values())


def test_the_schedule_makes_dumps_and_keeps_the_newest(stack: Stack) -> None:
    older, newer = backup(stack), backup(stack)
    folder = newer.parent
    (folder / "mine.dump").write_text("not one of the stack's")
    stack.config(backupSchedule="* * * * *", backupsKept="2")
    stack.hub("up")
    eventually(lambda: not older.exists(), seconds=90)
    made = dumps(folder, stack.name)
    assert len(made) == 2
    assert (folder / "mine.dump").exists()
    service = stack.inspect("backup")
    assert violations([running(service)]) == []
    assert all_healthy(stack)
    stack.unchanged()
    # It holds the same as one that the superuser has made: it can be restored.
    before_restore = rows(stack)
    stack.hub("restore", str(made[-1][1]))
    assert rows(stack) == before_restore


def test_the_service_ends_at_once(stack: Stack) -> None:
    docker("stop", "--time=30", stack.container("backup"))
    assert stack.inspect("backup")["State"]["ExitCode"] == 0
    stack.up()
    assert stack.health()["backup"] == "healthy"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 1 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_leaves_no_half_dump_and_shows_and_is_got_over(
    stack: Stack, small_disk: Path
) -> None:
    stack.config(backupDir=str(small_disk), backupSchedule="* * * * *")
    stack.hub("up")
    folder = small_disk / stack.name
    eventually(lambda: len(dumps(folder, stack.name)) > 0, seconds=90)
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(2 * 1024 * 1024))
    eventually(lambda: stack.health()["backup"] == "unhealthy", seconds=90)
    for said in (docker("logs", stack.container("backup")), stack.hub("backup", fails=True)):
        assert "no space left on device" in said.lower()
        assert "Traceback" not in said
    whole = dumps(folder, stack.name)
    assert {path.name for path in folder.iterdir()} == {
        name for _, dump in whole for name in (dump.name, checksum_file(dump).name)
    }
    filler.unlink()
    follow(stack, "The backup service is unhealthy")
    assert stack.health()["backup"] == "healthy"
    stack.config(backupDir=".hub/backups", backupSchedule="")
    stack.up()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_changed(
    stack: Stack, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("the folder is to be root's")
    (tmp_path / stack.name).mkdir()
    ids = stack.ids()
    stack.config(backupDir=str(tmp_path), backupSchedule="15 3 * * *")
    for said in (stack.up(fails=True), stack.hub("up", fails=True)):
        assert "belongs to root" in said
        assert f"mend: chown -R 10002:10002 {tmp_path / stack.name}" in said
    assert stack.ids() == ids
    stack.config(backupDir=".hub/backups", backupSchedule="")
