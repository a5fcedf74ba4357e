"""How dumps are named, made, checked and rotated; with stand-ins for PostgreSQL's programs.

That real dumps of a real database come back is tested in tests/stack/test_backup.py.
"""

import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup.dumps import UNFINISHED, Tools, check, make, rotate, sha256
from backup.errors import BackupError
from backup.names import DumpName, checksum_file, dumps

STACK = "dev"
AT = datetime(2026, 11, 28, 14, 36, 30, tzinfo=UTC)
ROWS = r"printf 'COPY public.alembic_version (version_num) FROM stdin;\nc600080b44c9\n\\.\n'"
# Its head can be read, its end cannot.
CUT = f'case "$1" in --file=/dev/null) echo "end of file" >&2; exit 1;; *) {ROWS};; esac'
GOOD = Tools(pg_dump=["printf", "a dump"], pg_restore=["sh", "-c", ROWS])


def made_at(folder: Path, at: datetime, stack: str = STACK, checksum: bool = True) -> Path:
    path = folder / str(DumpName(at, stack, "c069ae64b4e5"))
    path.write_bytes(b"a dump")
    if checksum:
        checksum_file(path).write_text(f"{sha256(path)}  {path.name}\n")
    return path


@pytest.mark.parametrize("stack", ["dev", "a", "my-own-stack-2"])
def test_a_name_is_read_as_it_was_written(stack: str) -> None:
    name = DumpName(AT, stack, "c069ae64b4e5")
    assert str(name) == f"ontology_hub-20261128T143630Z-{stack}-c069ae64b4e5.dump"
    assert DumpName.parse(str(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "ontology_hub-20261128T143630Z-dev-c069ae64b4e5.dump.sha256",
        "ontology_hub-20260231T143630Z-dev-c069ae64b4e5.dump",
        "ontology_hub-20261128T143630Z-dev.dump",
        "ontology_hub.dump",
        f"{UNFINISHED}abc",
    ],
)
def test_what_is_no_dumps_name_is_told_apart(name: str) -> None:
    assert DumpName.parse(name) is None


def test_a_dump_is_private_named_after_its_content_and_checked(tmp_path: Path) -> None:
    dump = make(tmp_path, STACK, GOOD, keep=7)
    assert dump.read_bytes() == b"a dump"
    assert dump.stat().st_mode & 0o777 == 0o600
    assert dump.name.endswith("-dev-c600080b44c9.dump")
    subprocess.run(["sha256sum", "--check", checksum_file(dump)], cwd=tmp_path, check=True)
    assert check(dump)
    assert set(tmp_path.iterdir()) == {dump, checksum_file(dump)}


def test_two_dumps_in_one_second_are_two(tmp_path: Path) -> None:
    assert len({make(tmp_path, STACK, GOOD, keep=None) for _ in range(3)}) == 3
    assert len(dumps(tmp_path, STACK)) == 3


@pytest.mark.parametrize(
    ("tools", "reason"),
    [
        (Tools(["sh", "-c", "printf half; echo 'the disk is full' >&2; exit 1"], ["true"]), "full"),
        (Tools(["printf", "half"], ["sh", "-c", CUT, "pg_restore"]), "end of file"),
        (Tools(["false"], ["true"]), "it said nothing"),
        (Tools(["no-such-program"], ["true"]), "no-such-program: No such file"),
    ],
)
def test_a_dump_that_fails_or_cannot_be_read_back_leaves_nothing_and_costs_no_older_one(
    tmp_path: Path, tools: Tools, reason: str
) -> None:
    old = made_at(tmp_path, AT)
    with pytest.raises(BackupError, match=reason):
        make(tmp_path, STACK, tools, keep=1)
    assert set(tmp_path.iterdir()) == {old, checksum_file(old)}


def test_what_a_killed_one_left_is_no_dump_and_goes_at_the_next_run(tmp_path: Path) -> None:
    (tmp_path / f"{UNFINISHED}abc").write_bytes(b"half")
    assert dumps(tmp_path, STACK) == []
    dump = make(tmp_path, STACK, GOOD, keep=7)
    assert set(tmp_path.iterdir()) == {dump, checksum_file(dump)}


def test_one_dump_at_a_time_so_that_none_takes_anothers_for_a_killed_ones(tmp_path: Path) -> None:
    slow = Tools(["sh", "-c", "printf slow; sleep 1"], GOOD.pg_restore)
    first = threading.Thread(target=make, args=(tmp_path, STACK, slow, 7))
    first.start()
    while not any(path.name.startswith(UNFINISHED) for path in tmp_path.iterdir()):
        pass
    make(tmp_path, STACK, GOOD, keep=7)
    first.join()
    assert len(dumps(tmp_path, STACK)) == 2


def test_rotation_keeps_the_newest_and_touches_nothing_that_is_not_ours(tmp_path: Path) -> None:
    ours = [made_at(tmp_path, AT + timedelta(days=day)) for day in range(5)]
    others = [
        made_at(tmp_path, AT - timedelta(days=1), stack="bob"),
        made_at(tmp_path, AT - timedelta(days=2), checksum=False),
        tmp_path / "notes.txt",
    ]
    others[-1].write_text("mine")
    rotate(tmp_path, STACK, keep=2, never=ours[-1])
    assert [path for _name, path in dumps(tmp_path, STACK)] == ours[-2:]
    assert not checksum_file(ours[0]).exists()
    assert all(path.exists() for path in others)


def test_the_dump_just_made_stays_though_the_clock_was_set_back(tmp_path: Path) -> None:
    future = [made_at(tmp_path, datetime.now(UTC) + timedelta(days=day)) for day in (1, 2)]
    dump = make(tmp_path, STACK, GOOD, keep=1)
    assert dump.exists()
    assert [path.exists() for path in future] == [False, True]


def test_a_damaged_dump_and_one_without_a_checksum_are_told_apart(tmp_path: Path) -> None:
    dump = made_at(tmp_path, AT)
    assert check(dump)
    dump.write_bytes(b"a dumb")
    with pytest.raises(BackupError, match="does not match its checksum"):
        check(dump)
    checksum_file(dump).unlink()
    assert not check(dump)
