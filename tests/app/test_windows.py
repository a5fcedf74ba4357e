"""The limit on creating is exact: over worker processes, and over transactions that fail."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.support import ROOT, Backend, backend, script, sql, until

ROUTES = """
from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import text

from app.conduct.policies import Policy
from app.conduct.windows import forget, spend
from app.database import SessionDep
from app.main import app

router = APIRouter()


@router.post("/things")
async def make(request: Request, session: SessionDep, fail: bool = False) -> None:
    await spend(session, request, Policy.DRAFT_CREATE)
    await session.execute(
        text("INSERT INTO modules (module_id, label) VALUES (gen_random_uuid()::text, 'x')")
    )
    if fail:
        raise HTTPException(409, "No.")


@router.post("/forget")
async def clear(request: Request, session: SessionDep) -> None:
    await forget(session, request.app.state.limits)


app.include_router(router, prefix="/test")
"""

LOG_CONFIG = ROOT / "app" / "log_config.json"
AMOUNT = 7
WORKERS = 3


@pytest.fixture(scope="module")
def workers(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """Three worker processes; 127.0.0.1 is a trusted proxy, so that tests can be many clients."""
    folder = tmp_path_factory.mktemp("windows")
    (folder / "routes.py").write_text(ROUTES)
    variables = {"DRAFTS_PER_HOUR": str(AMOUNT), "TRUSTED_PROXIES": "127.0.0.1"}
    options = ("--workers", str(WORKERS), "--no-proxy-headers", "--log-config", str(LOG_CONFIG))
    url = module_database.set(username=roles["app"])
    with backend(url, folder, *options, app="routes:app", variables=variables) as run:
        until(lambda: run.text().count("Application startup complete") == WORKERS)
        yield run
        run.terminate()  # a killed supervisor leaves its workers behind


@pytest.fixture
def database(module_database: URL) -> URL:
    """The workers' database, without modules and windows."""
    script(module_database, "TRUNCATE modules, rate_windows")
    return module_database


@pytest.fixture
def running(workers: Backend, database: URL) -> Backend:
    """The workers, with nothing spent."""
    return workers


def post(running: Backend, path: str, client: str = "192.0.2.1") -> httpx.Response:
    headers = {"X-Forwarded-For": client}
    return httpx.post(running.url + path, headers=headers, timeout=20)


async def at_once(running: Backend, path: str, times: int) -> Counter[int]:
    """Post so many times at once, each on its own connection; count the statuses."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=running.url, timeout=30, limits=limits) as client:
        posts = [client.post(path, headers={"X-Forwarded-For": "192.0.2.1"}) for _ in range(times)]
        return Counter(answer.status_code for answer in await asyncio.gather(*posts))


def made(url: URL) -> int:
    return int(sql(url, "SELECT count(*) FROM modules")[0]["count"])


def test_of_many_at_once_over_several_processes_exactly_so_many_pass(
    running: Backend, database: URL
) -> None:
    assert asyncio.run(at_once(running, "/test/things", 40)) == {200: AMOUNT, 429: 40 - AMOUNT}
    assert made(database) == AMOUNT


def test_what_is_rolled_back_is_not_counted(running: Backend, database: URL) -> None:
    for _ in range(AMOUNT + 1):
        assert post(running, "/test/things?fail=true").status_code == 409
    assert [post(running, "/test/things").status_code for _ in range(AMOUNT)] == [200] * AMOUNT
    assert post(running, "/test/things").status_code == 429
    assert made(database) == AMOUNT


def test_a_refusal_tells_when_the_window_ends(running: Backend, database: URL) -> None:
    answers = [post(running, "/test/things") for _ in range(AMOUNT + 1)]
    assert answers[0].headers["ratelimit"].startswith(f'"draft_create";r={AMOUNT - 1};t=')
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == f"Rate limit exceeded: {AMOUNT} per 1 hour"
    assert 3590 <= refused.json()["retry_after"] <= 3600
    assert refused.headers["retry-after"] == str(refused.json()["retry_after"])
    sql(database, "UPDATE rate_windows SET started_at = now() - interval '59 minutes 30 seconds'")
    assert 1 <= post(running, "/test/things").json()["retry_after"] <= 30


def test_a_window_begins_with_the_first_request_after_the_last_one_is_over(
    running: Backend, database: URL
) -> None:
    for _ in range(AMOUNT + 1):
        post(running, "/test/things")
    sql(database, "UPDATE rate_windows SET started_at = now() - interval '1 hour'")
    assert asyncio.run(at_once(running, "/test/things", 20)) == {200: AMOUNT, 429: 20 - AMOUNT}
    (window,) = sql(database, "SELECT used, now() - started_at AS age FROM rate_windows")
    assert window["used"] == AMOUNT
    assert window["age"].total_seconds() < 60


def test_each_client_has_a_window_of_its_own(running: Backend) -> None:
    for client in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"):
        codes = [post(running, "/test/things", client).status_code for _ in range(AMOUNT + 1)]
        assert codes == [200] * AMOUNT + [429]
    assert post(running, "/test/things", "2001:db8::2").status_code == 429  # the same /64


def test_windows_that_are_over_are_forgotten_and_others_not(
    running: Backend, database: URL
) -> None:
    for client in ("192.0.2.1", "192.0.2.2"):
        post(running, "/test/things", client)
    sql(
        database,
        "UPDATE rate_windows SET started_at = now() - interval '1 hour' WHERE client = '192.0.2.1'",
    )
    assert post(running, "/test/forget").status_code == 200
    assert sql(database, "SELECT client FROM rate_windows") == [{"client": "192.0.2.2"}]
