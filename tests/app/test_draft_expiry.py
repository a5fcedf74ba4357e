"""Drafts end in time: marked and wiped once, whatever happens to workers and the database."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from app.queries import drafts
from tests.app.support import Backend, address, backend, sql

OFTEN = {"DRAFT_SWEEP_INTERVAL": "0.2"}


def add(url: URL, name: str, expires: str, status: str = "pending") -> None:
    """Store a draft called `name` that expires at now() + `expires`."""
    sql(
        url,
        "INSERT INTO drafts (capability_hash, status, payload, source_wiki, base_commit_sha,"
        " expires_at, diff_preview, validation_results, pr_url) VALUES ($1, $3::text::draftstatus,"
        " '{\"secret\": 1}', 'secret', 'secret', now() + $2::text::interval, '{}', '{}', 'url')",
        *(name, expires, status),
    )


def stored(url: URL) -> dict[str, dict[str, Any]]:
    return {row["capability_hash"]: row for row in sql(url, "SELECT * FROM drafts")}


def swept(running: Backend) -> list[int]:
    """Return the counts that the backend's sweeps have told."""
    return [line["count"] for line in running.lines() if line["message"] == "drafts expired"]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_expired(url: URL, name: str) -> Callable[[], bool]:
    return lambda: stored(url)[name]["status"] == "expired"


def test_what_is_over_is_marked_and_wiped_and_the_rest_is_left(
    app_database: URL, tmp_path: Path
) -> None:
    for status in ("pending", "validated", "submitted"):
        add(app_database, f"over {status}", "-1 second", status)
    add(app_database, "alive", "1 hour")
    before = stored(app_database)
    with backend(app_database, tmp_path, variables=OFTEN) as running:
        wait_for(lambda: swept(running))
        assert swept(running) == [3]
    after = stored(app_database)
    assert after.pop("alive") == before.pop("alive")
    for name, row in after.items():
        assert row.pop("updated_at") > before[name].pop("updated_at")
        assert row == before[name] | {
            "status": "expired",
            "payload": "{}",
            **dict.fromkeys(("source_wiki", "base_commit_sha"), None),
            **dict.fromkeys(("diff_preview", "validation_results"), None),
        }


def test_a_draft_ends_while_the_backend_runs_and_nothing_is_said_of_sweeps_without_work(
    app_database: URL, tmp_path: Path
) -> None:
    add(app_database, "over soon", "1 second")
    with backend(app_database, tmp_path, variables=OFTEN) as running:
        wait_for(is_expired(app_database, "over soon"))
        add(app_database, "too", "-1 second")
        wait_for(is_expired(app_database, "too"))
        running.terminate()
        assert swept(running) == [1, 1]
        assert [line for line in running.lines() if line["logger"] == "app.drafts.expiry"] == [
            line for line in running.lines() if "count" in line
        ]
        assert "over soon" not in running.text()


def test_several_workers_sweep_once(app_database: URL, tmp_path: Path) -> None:
    for number in range(5):
        add(app_database, f"draft {number}", "-1 second")
    with (
        backend(app_database, tmp_path, variables=OFTEN) as one,
        backend(app_database, tmp_path, variables=OFTEN) as other,
    ):
        wait_for(lambda: swept(one) + swept(other))
        add(app_database, "last", "-1 second")
        wait_for(is_expired(app_database, "last"))
        for running in (one, other):
            running.terminate()
        assert sorted(swept(one) + swept(other)) == [1, 5]


def test_one_sweep_at_a_time(app_database: URL) -> None:
    add(app_database, "draft", "-1 second")

    async def sweep_twice() -> tuple[int | None, int | None, int | None]:
        engine = create_async_engine(
            app_database.set(drivername="postgresql+asyncpg"),
            connect_args={"server_settings": {"lock_timeout": "5s"}},  # rather fail than hang
        )
        async with AsyncSession(engine) as first, AsyncSession(engine) as second:
            counts = await drafts.expire(first), await drafts.expire(second)
            await second.rollback()
            await first.commit()
            again = await drafts.expire(second)
        await engine.dispose()
        return *counts, again

    assert asyncio.run(sweep_twice()) == (1, None, 0)


def test_a_worker_that_is_killed_in_its_sweep_leaves_the_work_to_the_next(
    app_database: URL, admin: URL, tmp_path: Path
) -> None:
    add(app_database, "draft", "-1 second")
    waiting = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE 'UPDATE drafts%'"
    )

    async def kill_in_the_middle() -> None:
        holder = await asyncpg.connect(address(app_database), timeout=20)
        await holder.execute("BEGIN; SELECT FROM drafts FOR UPDATE")
        with backend(app_database, tmp_path, variables=OFTEN) as running:
            await asyncio.to_thread(wait_for, lambda: sql(admin, waiting))
            running.process.kill()
            running.process.wait()
        # The server notices only when it answers; a real outage of the worker's machine is longer.
        await asyncio.to_thread(
            sql,
            admin,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        await holder.execute("ROLLBACK")
        await holder.close()

    asyncio.run(kill_in_the_middle())
    assert stored(app_database)["draft"]["payload"] == '{"secret": 1}'
    with backend(app_database, tmp_path, variables=OFTEN) as running:
        wait_for(is_expired(app_database, "draft"))
        assert swept(running) == [1]


def test_an_outage_of_the_database_ends_no_sweeper(
    server: URL, app_database: URL, tmp_path: Path
) -> None:
    name = app_database.database
    with backend(app_database, tmp_path, variables=OFTEN) as running:

        def failed() -> list[dict[str, Any]]:
            return [line for line in running.lines() if line["message"] == "sweep failed"]

        sql(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        sql(
            server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
            name,
        )
        wait_for(lambda: len(failed()) > 1)
        sql(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        add(app_database, "draft", "-1 second")
        wait_for(is_expired(app_database, "draft"))
        running.terminate()
        for line in failed():
            assert (line["level"], "exception" in line) == ("WARNING", False)
            assert line["error"]


def test_the_backend_starts_and_sweeps_later_where_the_schema_is_still_missing(
    empty_database: URL, tmp_path: Path
) -> None:
    with backend(empty_database, tmp_path, variables=OFTEN) as running:
        wait_for(lambda: "sweep failed" in running.text())
        assert running.get("/livez").status_code == 200
        assert running.terminate() in (0, -15)


def test_rate_windows_that_are_over_go_and_others_stay(app_database: URL, tmp_path: Path) -> None:
    sql(
        app_database,
        "INSERT INTO rate_windows SELECT 'draft_create', client, now() - age::interval, 1"
        " FROM (VALUES ('old', '2 hours'), ('young', '59 minutes')) AS given (client, age)",
    )
    with backend(app_database, tmp_path, variables=OFTEN):
        wait_for(lambda: len(sql(app_database, "SELECT FROM rate_windows")) == 1)
    (left,) = sql(app_database, "SELECT client FROM rate_windows")
    assert left == {"client": "young"}
