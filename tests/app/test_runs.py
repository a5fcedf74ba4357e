"""Runs of jobs are kept, good and bad ones, and keeping them never changes how a job ends."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none
import pytest
from sqlalchemy.engine import URL

from app.queries.runs import KEPT
from tests.app import ontologies
from tests.app.support import ROOT, address, alembic, environment, free_port, sql
from tests.app.test_migrations import HEAD, copy_code

SECRET = "a value of the wiki's"


def runs(url: URL) -> list[dict[str, Any]]:
    """Return all rows, the oldest first; checks what is true of each."""
    found = sql(
        url, "SELECT *, job::text AS job, ended_at <= now() AS past FROM job_runs ORDER BY id"
    )
    for run in found:
        assert run["past"]
        assert run["started_at"] <= run["ended_at"]
        assert run["succeeded"] == (run["message"] is None)
    return found


def last(url: URL) -> dict[str, Any]:
    return runs(url)[-1]


def imported(url: URL, source: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app.importer", str(source)],
        cwd=ROOT,
        env=environment(url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def broken_code(database: URL, folder: Path, line: str) -> Path:
    """Copy the code, with one migration more, which does this."""
    copy_code(folder)
    assert alembic(database, "revision", "-m", "broken", root=folder).returncode == 0
    (file,) = (folder / "migrations" / "versions").glob("*_broken.py")
    file.write_text(file.read_text().replace("    pass", f"    {line}", 1))
    return folder


def test_an_upgrade_is_kept_with_how_many_migrations_it_applied(empty_database: URL) -> None:
    for count in (len(list((ROOT / "migrations/versions").glob("*.py"))), 0):
        assert alembic(empty_database, "upgrade", "head").returncode == 0
        run = last(empty_database)
        assert (run["job"], run["succeeded"]) == ("migrations", True)
        assert json.loads(run["summary"]) == {"migrations": count}
    # No other command is a run of the job.
    for command in (("current",), ("check",)):
        assert alembic(empty_database, *command).returncode == 0
    assert len(runs(empty_database)) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("op.execute('SELECT 1/0')", "the database refused: division by zero SELECT 1/0"),
        ("raise RuntimeError('on\\npurpose')", "on purpose"),
        ("raise KeyError", "KeyError"),
        (
            "op.execute('ALTER TABLE modules ALTER label TYPE int USING label::int')",
            "invalid input syntax for type integer",
        ),
    ],
)
def test_a_failed_migration_is_kept_in_one_line_without_values_and_ends_as_it_would(
    database: URL, tmp_path: Path, line: str, reason: str
) -> None:
    sql(database, "INSERT INTO modules (module_id, label) VALUES ('x', $1)", SECRET)
    before = len(runs(database))
    root = broken_code(database, tmp_path, line)
    failed = alembic(database, "--quiet", "upgrade", "head", root=root)
    assert failed.returncode != 0
    assert len(runs(database)) == before + 1
    run = last(database)
    assert (run["job"], run["succeeded"], json.loads(run["summary"])) == ("migrations", False, {})
    assert reason in run["message"]
    assert "\n" not in run["message"]
    assert SECRET not in run["message"]
    # What the job says is the same as where the run cannot be kept.
    sql(database, "DROP TABLE job_runs")
    without = alembic(database, "--quiet", "upgrade", "head", root=root)
    assert without.returncode == failed.returncode

    def said(log: str) -> list[tuple[str, str]]:
        return [(one["level"], one["message"]) for one in map(json.loads, log.splitlines())]

    assert said(without.stdout) == said(failed.stdout)


def test_a_downgrade_goes_past_the_table(database: URL) -> None:
    assert alembic(database, "downgrade", "base").returncode == 0
    assert alembic(database, "upgrade", HEAD or "").returncode == 0
    assert len(runs(database)) == 1


def test_an_import_is_kept_with_counts_alone(app_database: URL) -> None:
    for action in ("added", "unchanged"):
        assert imported(app_database, ontologies.JSON_B).returncode == 0
        run = last(app_database)
        assert (run["job"], run["succeeded"]) == ("importer", True)
        summary = json.loads(run["summary"])
        assert summary.pop("items")["category"] == {
            **dict.fromkeys(("added", "changed", "revived", "removed", "unchanged"), 0),
            action: 3,
        }
        assert summary == {"files_processed": 12, "files_failed": 0, "warnings": 0}


def test_a_failed_import_is_kept_and_its_work_is_not(app_database: URL, tmp_path: Path) -> None:
    failed = imported(app_database, tmp_path)
    assert failed.returncode == 1
    run = last(app_database)
    assert (run["job"], run["succeeded"]) == ("importer", False)
    assert run["message"] == json.loads(failed.stdout.splitlines()[-1])["message"]
    assert ontologies.state(app_database)["entities"] == []


def test_an_import_that_the_database_refuses_is_kept(app_database: URL, database: URL) -> None:
    sql(database, "ALTER TABLE entities ADD CHECK (label <> 'Hive')")
    assert imported(app_database, ontologies.JSON_B).returncode == 1
    message = last(database)["message"]
    assert "has refused" in message
    assert "Failing row" not in message


def test_the_newest_of_each_job_stay(app_database: URL) -> None:
    sql(
        app_database,
        "INSERT INTO job_runs (job, started_at, ended_at, succeeded)"
        " SELECT job, now(), now(), true FROM unnest(enum_range(NULL::job)) AS job,"
        " generate_series(1, $1)",
        KEPT + 20,
    )
    others = [run["id"] for run in runs(app_database) if run["job"] == "migrations"]
    before = [run["id"] for run in runs(app_database) if run["job"] == "importer"]
    assert imported(app_database, ontologies.JSON_B).returncode == 0
    after = [run["id"] for run in runs(app_database) if run["job"] == "importer"]
    assert len(after) == KEPT
    assert after[:-1] == before[-KEPT + 1 :]
    assert after[-1] > before[-1]
    assert [run["id"] for run in runs(app_database) if run["job"] == "migrations"] == others


def test_a_lock_on_the_table_does_not_hold_a_job_up(database: URL) -> None:
    before = len(runs(database))
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(address(database), timeout=20))
        runner.run(connection.execute("BEGIN; LOCK TABLE job_runs IN ACCESS EXCLUSIVE MODE"))
        assert imported(database, ontologies.JSON_B).returncode == 0
        runner.run(connection.close())
    assert len(runs(database)) == before
    assert sql(database, "SELECT count(*) AS count FROM snapshots") == [{"count": 1}]


def test_jobs_end_as_they_would_where_the_database_is_out(tmp_path: Path) -> None:
    url = URL.create(
        "postgresql", username="u", password="hidden", host="127.0.0.1", port=free_port()
    )
    failed = imported(url.set(database="d"), ontologies.JSON_B)
    assert (failed.returncode, failed.stderr) == (1, "")
    assert "cannot be reached as u" in json.loads(failed.stdout.splitlines()[-1])["message"]
