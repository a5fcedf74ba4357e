"""The running process: its transactions, its logs, its end."""

import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.support import ROOT, Backend, backend, environment, free_port, sql

# Routes such as later ones will be, on the real application and its own SessionDep.
ROUTES = """
import asyncio

from fastapi import APIRouter, HTTPException
from sqlalchemy import text

from app.database import SessionDep
from app.main import app

router = APIRouter()


@router.post("/modules/{module_id}")
async def make(module_id: str, session: SessionDep, fail: str = "") -> dict[str, str]:
    await session.execute(
        text("INSERT INTO modules (module_id, label) VALUES (:id, 'x')"), {"id": module_id}
    )
    if fail == "refused":
        raise HTTPException(409, "No.")
    if fail == "broken":
        raise RuntimeError("broken")
    return {"made": module_id}


@router.get("/drafts/{token}")
async def draft(token: str) -> dict[str, str]:
    return {}


@router.get("/slow")
async def slow(session: SessionDep, seconds: float) -> dict[str, str]:
    await session.execute(text("SELECT pg_sleep(:s)"), {"s": seconds})
    return {"slow": "done"}


app.include_router(router, prefix="/test")
"""

# The application's life within a process that goes on until its standard input is closed.
LIFE = """
import asyncio
import sys

from sqlalchemy import text

from app.database import engine
from app.main import app, lifespan


async def main() -> None:
    async with lifespan(app), engine.connect() as connection:
        assert await app.state.database_probe.connected()
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        print("connections:", await connection.scalar(text(others)), flush=True)


asyncio.run(main())
print("ended", flush=True)
sys.stdin.read()
"""

OTHERS = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "routes.py").write_text(ROUTES)
    return tmp_path


@pytest.fixture
def running(app_database: URL, folder: Path) -> Iterator[Backend]:
    """The application with the routes above, as the app's role."""
    with backend(app_database, folder, app="routes:app") as process:
        yield process


def post(running: Backend, path: str) -> httpx.Response:
    return httpx.post(running.url + path, timeout=20)


def modules(url: URL) -> list[str]:
    return [row["module_id"] for row in sql(url, "SELECT module_id FROM modules ORDER BY 1")]


def test_a_request_is_one_transaction(running: Backend, database: URL) -> None:
    assert post(running, "/test/modules/kept").status_code == 200
    assert post(running, "/test/modules/refused?fail=refused").status_code == 409
    assert post(running, "/test/modules/broken?fail=broken").status_code == 500
    assert modules(database) == ["kept"]


def test_a_commit_that_fails_is_not_reported_as_success(running: Backend, database: URL) -> None:
    """The commit stands before the answer: after it, the client would have been told 200."""
    sql(
        database,
        "ALTER TABLE modules ADD CONSTRAINT checked_at_commit UNIQUE (label)"
        " DEFERRABLE INITIALLY DEFERRED",
    )
    assert post(running, "/test/modules/first").status_code == 200
    assert post(running, "/test/modules/second").status_code == 500
    assert modules(database) == ["first"]


def test_a_restarted_database_costs_no_request(running: Backend, admin: URL) -> None:
    assert post(running, "/test/modules/before").status_code == 200
    sql(
        admin,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert post(running, "/test/modules/after").status_code == 200
    assert running.get("/health").status_code == 200


def test_every_log_line_is_json_and_none_holds_a_token(running: Backend) -> None:
    token = secrets.token_urlsafe(32)
    running.get(f"/test/drafts/{token}")
    running.get(f"/test/drafts/{token}/unknown")
    running.get(f"/test/slow?seconds={token}")
    post(running, f"/test/drafts/{token}")
    post(running, "/test/modules/x?fail=broken")
    running.get("/health")
    running.terminate()
    lines = running.lines()
    assert token not in running.text()
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    requests = [line for line in lines if line["logger"] == "app.access"]
    assert [(line["method"], line["route"], line["status"]) for line in requests] == [
        ("GET", "/test/drafts/{token}", 200),
        ("GET", None, 404),
        ("GET", "/test/slow", 422),
        ("POST", "/test/drafts/{token}", 405),
        ("POST", "/test/modules/{module_id}", 500),
    ]
    assert all(line["duration_ms"] >= 0 for line in requests)
    errors = [line for line in lines if line["level"] == "ERROR"]
    assert len(errors) == 1
    assert "RuntimeError: broken" in errors[0]["exception"]
    assert "uvicorn.error" in {line["logger"] for line in lines}


def test_the_reloaders_lines_are_json_too(app_database: URL, folder: Path) -> None:
    config = ROOT / "app" / "log_config.json"
    options = ("--reload", "--reload-dir", str(folder), "--log-config", str(config))
    with backend(app_database, folder, *options, app="routes:app") as running:
        assert running.get("/livez").status_code == 200
        (folder / "routes.py").write_text(ROUTES.replace('"done"', '"edited"'))
        deadline = time.monotonic() + 20
        while "edited" not in running.get("/test/slow?seconds=0").text:
            assert time.monotonic() < deadline, running.text()
            time.sleep(0.1)
        assert running.terminate() == 0
        assert any("Reloading" in line["message"] for line in running.lines())


def test_sigterm_lets_a_running_request_end(running: Backend, admin: URL) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(running.get, "/test/slow?seconds=2")
        wait_for_sleep(admin)
        code = running.terminate()
        assert answer.result().json() == {"slow": "done"}
    # uvicorn ends by the signal it was asked to end by; as process 1 of a container that is 0.
    assert code in (0, -signal.SIGTERM)
    assert "Application shutdown complete." in [line["message"] for line in running.lines()]


def test_the_applications_end_closes_its_connections(
    app_database: URL, admin: URL, tmp_path: Path
) -> None:
    """Asked while the process still lives: its end alone would close them too."""
    process = subprocess.Popen(
        [sys.executable, "-c", LIFE],
        cwd=tmp_path,  # not where a developer's .env may be
        env=environment(app_database, {"PYTHONPATH": str(ROOT)}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "connections: 2\n"
        assert process.stdout.readline() == "ended\n"
        deadline = time.monotonic() + 5
        while sql(admin, OTHERS):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_sigterm_waits_for_a_request_no_longer_than_the_limit(
    app_database: URL, admin: URL, folder: Path
) -> None:
    limit = ("--timeout-graceful-shutdown", "1")
    with (
        backend(app_database, folder, *limit, app="routes:app") as running,
        ThreadPoolExecutor() as pool,
    ):
        answer = pool.submit(running.get, "/test/slow?seconds=60")
        wait_for_sleep(admin)
        started = time.monotonic()
        running.terminate()
        assert time.monotonic() - started < 6
        assert answer.exception() is not None or answer.result().status_code == 500


def test_the_process_starts_and_lives_without_a_database(app_database: URL, folder: Path) -> None:
    nowhere = app_database.set(port=free_port())
    with backend(nowhere, folder, app="routes:app") as running:
        assert running.get("/livez").status_code == 200
        assert post(running, "/test/modules/x").status_code == 503
        assert running.get("/livez").status_code == 200


def wait_for_sleep(admin: URL) -> None:
    """Wait until the slow request has reached the database."""
    deadline = time.monotonic() + 20
    query = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = $1"
    while not sql(admin, query, admin.database):
        assert time.monotonic() < deadline
        time.sleep(0.05)
