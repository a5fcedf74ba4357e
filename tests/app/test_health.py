"""/health tells the truth within 2 s whatever the database does; /livez needs no database."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.proxy import Proxy
from tests.app.support import ROOT, Backend, backend, free_port, sql

HEALTHY = (200, {"status": "healthy", "database": "connected"})
UNHEALTHY = (503, {"status": "unhealthy", "database": "disconnected"})
LIMIT = 2.0  # seconds, the contract's


def health(running: Backend) -> tuple[int, object]:
    """Ask /health, within its promised time."""
    started = time.monotonic()
    response = running.get("/health")
    assert time.monotonic() - started < LIMIT
    return response.status_code, response.json()


def healthcheck(running: Backend, *arguments: str) -> int:
    """Run the container's health check and return its exit code."""
    script = str(ROOT / "app" / "healthcheck.py")
    which = arguments or ("ready",)
    command = [sys.executable, "-I", "-S", script, *which, str(running.port)]
    return subprocess.run(command, check=False, timeout=20).returncode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("health")


@pytest.fixture
def proxy(template: URL) -> Iterator[Proxy]:
    with Proxy(str(template.host), template.port or 5432) as relay:
        yield relay


@pytest.fixture
def behind_proxy(template: URL, proxy: Proxy, folder: Path) -> Iterator[Backend]:
    """A backend whose database is behind the relay."""
    with backend(template.set(host="127.0.0.1", port=proxy.port), folder) as running:
        yield running


@pytest.fixture(scope="module")
def without_database(template: URL, folder: Path) -> Iterator[Backend]:
    """A backend whose database has never been there: nobody listens on its port."""
    with backend(template.set(host="127.0.0.1", port=free_port()), folder) as running:
        yield running


def test_a_database_that_is_not_there_is_503_and_the_process_alive(
    without_database: Backend,
) -> None:
    assert health(without_database) == UNHEALTHY
    assert without_database.get("/livez").status_code == 200
    assert healthcheck(without_database) == 1
    assert healthcheck(without_database, "live") == 0


def test_many_callers_at_once_are_all_answered_in_time(without_database: Backend) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(health, [without_database] * 10))
    assert answers == [UNHEALTHY] * 10


def test_a_database_that_accepts_and_never_answers_is_503_in_time(
    behind_proxy: Backend, proxy: Proxy
) -> None:
    proxy.silence()
    for _ in range(3):
        assert health(behind_proxy) == UNHEALTHY
    proxy.speak()
    assert_heals(behind_proxy)


def test_a_database_that_falls_silent_under_an_open_connection_is_503_and_heals(
    behind_proxy: Backend, proxy: Proxy
) -> None:
    assert health(behind_proxy) == HEALTHY
    assert healthcheck(behind_proxy) == 0
    proxy.silence()
    for _ in range(3):
        assert health(behind_proxy) == UNHEALTHY
    assert behind_proxy.get("/livez").json() == {"status": "alive"}
    proxy.speak()
    assert_heals(behind_proxy)
    reported = [
        line["message"] for line in behind_proxy.lines() if line["logger"] == "app.api.health"
    ]
    assert reported == ["database disconnected", "database connected"]


def test_a_database_that_restarts_is_found_again_without_a_false_alarm(
    behind_proxy: Backend, proxy: Proxy
) -> None:
    assert health(behind_proxy) == HEALTHY
    proxy.cut()
    assert health(behind_proxy) == HEALTHY


def test_the_question_uses_one_connection_however_often_it_is_asked(
    database: URL, folder: Path
) -> None:
    with backend(database, folder) as running, ThreadPoolExecutor(10) as pool:
        assert list(pool.map(health, [running] * 20)) == [HEALTHY] * 20
        rows = sql(
            database,
            "SELECT application_name AS name FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        assert [row["name"] for row in rows] == ["ontology-hub health"]


def test_the_health_check_fails_where_nobody_listens(without_database: Backend) -> None:
    nobody = Backend(without_database.process, free_port(), Path("/dev/null"))
    assert healthcheck(nobody) == 1
    assert healthcheck(nobody, "live") == 1


def assert_heals(running: Backend) -> None:
    """Check that /health is 200 again within 5 s, without anybody's help."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if health(running) == HEALTHY:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"still unhealthy:\n{running.text()}")
