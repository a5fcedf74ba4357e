"""An import is one transaction: whole or not at all; and what its command answers."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it has none
import pytest
from sqlalchemy.engine import URL

from app.importer import load
from app.importer.folder import FolderSource
from app.importer.sources import Found, ImportFailed
from app.queries import imports as queries
from tests.app import ontologies
from tests.app.ontologies import edit, run_import, state, totals, write_files
from tests.app.support import address, environment, holding


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An ontology of the test's own to change."""
    return Path(shutil.copytree(ontologies.JSON_B, tmp_path / "source"))


def command(
    url: URL | None, *arguments: str | Path, variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run `python -m app.importer` with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "app.importer", *map(str, arguments)],
        env=environment(url, variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the last statement of an import fail."""
    monkeypatch.setattr(queries, "FIND_DANGLING", "SELECT 1 / ($1::int - $1)")


@pytest.mark.usefixtures("failing")
def test_an_error_at_the_end_changes_nothing(database: URL, source: Path) -> None:
    before = state(database)
    with pytest.raises(ImportFailed, match="has refused: division by zero"):
        run_import(database, source)
    assert state(database) == before


def test_a_process_that_is_killed_changes_nothing(database: URL, source: Path) -> None:
    run_import(database, source)
    before = state(database, "xmin::text")
    edit(source / "categories/Hive.json", description="Another.")
    (source / "bundles/Beekeeper.json").unlink()
    asyncio.run(_kill_when_it_writes_profiles(database, source))
    assert state(database, "xmin::text") == before


async def _kill_when_it_writes_profiles(url: URL, source: Path) -> None:
    waiting = """SELECT pg_stat_clear_snapshot(), count(*) FROM pg_stat_activity
        WHERE application_name = 'ontology-hub import' AND wait_event_type = 'Lock'"""
    connection = await asyncpg.connect(address(url))
    try:
        # They come last: all else has been written when the import waits for this lock.
        await connection.execute("BEGIN; LOCK TABLE profiles IN EXCLUSIVE MODE")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.importer", str(source)), env=environment(url)
        )
        while not await connection.fetchval(waiting, column=1):
            assert process.returncode is None
            await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
    finally:
        await connection.close()


def test_a_tarball_that_breaks_off_in_the_middle_changes_nothing(
    database: URL, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_import(database, source)
    before = state(database)
    files = FolderSource.files

    def breaking(self: FolderSource) -> Iterator[Found]:
        yield from list(files(self))[:3]
        raise ImportFailed("it ends too early")

    monkeypatch.setattr(FolderSource, "files", breaking)
    with pytest.raises(ImportFailed, match="ends too early"):
        run_import(database, source)
    assert state(database) == before


def test_a_source_of_which_nothing_can_be_read_removes_nothing(
    database: URL, source: Path, tmp_path: Path
) -> None:
    run_import(database, source)
    before = state(database)
    empty = tmp_path / "empty"
    (empty / "categories").mkdir(parents=True)
    broken = write_files(tmp_path / "broken", {"categories/A.json": "{", "modules/B.json": "{"})
    for root, reason in ((empty, "that can be read$"), (broken, "the first of 2 errors: ")):
        with pytest.raises(ImportFailed, match=reason):
            run_import(database, root)
    assert state(database) == before


def test_a_second_import_waits_for_the_first(database: URL, source: Path) -> None:
    told: list[str] = []
    with holding(database, load.LOCK) as release:

        def tell(line: str) -> None:
            told.append(line)
            release()

        assert totals(run_import(database, source, tell=tell)) == {"added": 12}
    assert told == ["another import is running: waiting up to 60 s"]


def test_an_import_that_waits_too_long_says_so(
    database: URL, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CREATE", queries.CREATE.replace("60s", "50ms"))
    with (
        holding(database, load.LOCK),
        pytest.raises(ImportFailed, match="another import has been running for more than 60 s"),
    ):
        run_import(database, source)


def test_the_command_ends_with_a_line_for_programs(app_database: URL, source: Path) -> None:
    write_files(source, {"categories/Broken.json": "{\n"})
    result = command(app_database, source, "--commit", "a1", "--name", "v1")
    assert (result.returncode, result.stderr) == (0, "")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    told = [one["message"] for one in events]
    assert told[0] == "categories: 3 added"
    assert "skipped files: 1 of dashboards, 1 of resources, 1 of templates" in told
    broken, last = events[-2:]
    assert (broken["level"], broken["path"], broken["line"]) == (
        "ERROR",
        "categories/Broken.json",
        2,
    )
    assert broken["message"].startswith("this is no JSON")
    assert last["message"].startswith("imported: 12 added, 0 changed")
    document = last["summary"]
    assert document["commit_sha"] == "a1"
    assert document["name"] == "v1"
    assert document["entities_synced"] == 9
    assert (document["modules_synced"], document["profiles_synced"]) == (2, 1)
    assert (document["files_processed"], document["errors"], document["added"]) == (13, 1, 12)
    assert document["error_details"][0]["path"] == "categories/Broken.json"
    assert document["kinds"]["categories"]["added"] == 3


def test_the_command_takes_its_path_from_the_settings(database: URL, source: Path) -> None:
    variables = {"ONTOLOGY_PATH": str(source), "LOG_LEVEL": "ERROR"}
    result = command(database, variables=variables)
    (last,) = result.stdout.splitlines()  # its result is told at any level
    assert json.loads(last)["summary"]["added"] == 12


def test_a_database_that_cannot_be_used_is_told_in_one_line(
    database: URL, empty_database: URL, source: Path
) -> None:
    for url, reason in (
        (empty_database, "is not migrated: run `alembic upgrade head` first"),
        (database.set(port=1), "cannot be reached as"),
        (database.set(database="test_absent"), "cannot be reached as"),
    ):
        with pytest.raises(ImportFailed, match=reason) as failed:
            run_import(url, source)
        assert "\n" not in str(failed.value)
        assert str(url.password) not in str(failed.value)


def test_a_failing_command_says_why_in_one_line(database: URL, tmp_path: Path) -> None:
    result = command(database, tmp_path / "absent")
    assert (result.returncode, result.stderr) == (1, "")
    event = json.loads(result.stdout)
    assert event.keys() == {"time", "level", "logger", "message"}
    assert event["level"] == "ERROR"
    told = f"{tmp_path / 'absent'} cannot be read: No such file or directory"
    assert event["message"] == told
    result = command(database)
    assert result.returncode == 2
    assert "name a PATH, or set ONTOLOGY_PATH" in result.stderr
