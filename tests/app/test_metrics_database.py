"""What a scrape says of the database: its pools, drafts and runs of jobs; and when it is out."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from app.importer.summary import ACTIONS
from app.ontology.kinds import Kind
from tests.app import drafts_support as drafts
from tests.app import ontologies
from tests.app.proxy import Proxy
from tests.app.scrapes import Measured, Scrape, measured
from tests.app.support import ROOT, environment, free_port, sql

POOLS = {"read": 3, "write": 2}
SMALL_POOLS = {
    "DATABASE_READ_POOL_SIZE": "3",
    "DATABASE_POOL_SIZE": "1",
    "DATABASE_MAX_OVERFLOW": "1",
}
IN_DATABASE = {
    *("hub_drafts", "hub_job_last_run_timestamp_seconds", "hub_job_last_run_failed"),
    *("hub_import_items", "hub_import_files_failed"),
}


@pytest.fixture
def one(app_database: URL, tmp_path: Path) -> Iterator[Measured]:
    """A backend of the test's own, as the app's role."""
    with measured(app_database, tmp_path, app="tests.app.probe:app", variables=SMALL_POOLS) as here:
        yield here


def statuses(scrape: Scrape) -> dict[str, float]:
    return {status: value for (status,), value in scrape.values("hub_drafts", "status").items()}


def connections(scrape: Scrape, state: str) -> dict[str, float]:
    values = scrape.values("hub_database_connections", "pool", "state")
    return {pool: value for (pool, its_state), value in values.items() if its_state == state}


def test_lent_connections_are_told_and_never_more_than_there_may_be(one: Measured) -> None:
    assert one.scrape().values("hub_database_connections_max", "pool") == {
        (pool,): most for pool, most in POOLS.items()
    }

    def within(found: Scrape) -> Scrape:
        for pool, most in POOLS.items():
            idle, in_use = (connections(found, state)[pool] for state in ("idle", "in_use"))
            assert min(idle, in_use) >= 0
            assert idle + in_use <= most
        return found

    with ThreadPoolExecutor() as threads:
        url = one.running.url + "/probe"
        asked = [
            threads.submit(httpx.request, method, f"{url}/{path}", timeout=30)
            for number in range(3)
            for method, path in (
                # Longer than a scrape waits.
                ("GET", "sleep?seconds=4"),
                ("POST", f"slow?seconds=4&marker=m{number}"),
            )
        ]
        full = one.when(lambda found: connections(within(found), "in_use") == POOLS)
        # Lent out is not out: the question has a connection of its own.
        assert full.value("hub_database_up") == 1
        assert [answer.result().status_code for answer in asked] == [200] * 6
    rest = one.when(lambda found: set(connections(within(found), "in_use").values()) == {0})
    assert connections(rest, "idle")["read"] >= 1


def test_a_backend_that_hangs_says_nothing_of_the_database_by_which_the_alert_tells_it(
    one: Measured,
) -> None:
    assert one.scrape().value("hub_database_up") == 1
    with ThreadPoolExecutor() as threads:
        url = f"{one.running.url}/probe/hang?seconds=6"
        hanging = threads.submit(httpx.get, url, timeout=30)
        found = one.when(lambda found: found.value("hub_database_up") is None)
        assert not IN_DATABASE & found.samples.keys()
        assert hanging.result().status_code == 200
    assert one.scrape().value("hub_database_up") == 1


def test_drafts_are_told_by_status_at_once(one: Measured, database: URL) -> None:
    assert statuses(one.scrape()) == dict.fromkeys(
        ("pending", "validated", "submitted", "expired"), 0
    )
    drafts.seed(database)
    payload = drafts.proposal(categories=[drafts.entity("Bird", label="Birdie")])
    for _ in range(3):
        body = {"payload": payload}
        assert httpx.post(f"{one.running.url}/api/v1/drafts", json=body).status_code == 201
    status = sql(database, "SELECT DISTINCT status::text FROM drafts")[0]["status"]
    assert statuses(one.scrape())[status] == 3
    sql(database, "UPDATE drafts SET expires_at = now() WHERE id = (SELECT id FROM drafts LIMIT 1)")
    found = statuses(one.scrape())
    assert (found[status], found["expired"]) == (2, 1)
    assert sum(found.values()) == 3


def run_importer(url: URL, source: Path) -> int:
    command = [sys.executable, "-m", "app.importer", str(source)]
    options = {"cwd": ROOT, "env": environment(url), "timeout": 60}
    return subprocess.run(command, capture_output=True, check=False, **options).returncode  # type: ignore[call-overload,no-any-return]


def failed(scrape: Scrape, job: str) -> float | None:
    return scrape.values("hub_job_last_run_failed", "role").get((job,))


def test_an_import_is_told_and_one_that_fails_leaves_the_last_good_ones_results(
    one: Measured, app_database: URL, tmp_path: Path
) -> None:
    before = one.scrape()
    assert failed(before, "importer") is None
    assert not {"hub_import_items", "hub_import_files_failed"} & before.samples.keys()
    source = tmp_path / "source"
    ontologies.write_files(
        source,
        {
            "categories/Hive.json": ontologies.category("Hive"),
            "categories/Comb.json": ontologies.category("Comb"),
            "categories/Broken.json": "{",
        },
    )
    assert run_importer(app_database, source) == 0
    found = one.scrape()
    assert failed(found, "importer") == 0
    items = found.values("hub_import_items", "kind", "action")
    assert items == {(kind, action): 0 for kind in Kind for action in ACTIONS} | {
        ("category", "added"): 2
    }
    assert found.value("hub_import_files_failed") == 1
    (empty := tmp_path / "empty").mkdir()
    assert run_importer(app_database, empty) == 1
    after = one.scrape()
    assert failed(after, "importer") == 1
    assert after.values("hub_import_items", "kind", "action") == items
    times = [
        scrape.values("hub_job_last_run_timestamp_seconds", "role")["importer",]
        for scrape in (found, after)
    ]
    (now,) = sql(app_database, "SELECT extract(epoch FROM now())::float8 AS now")
    assert times[0] < times[1] <= now["now"]
    assert "Hive" not in after.text


@pytest.fixture
def proxy(template: URL) -> Iterator[Proxy]:
    with Proxy(str(template.host), template.port or 5432) as relay:
        yield relay


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "cut"])
def test_a_scrape_is_answered_while_the_database_is_out(
    app_database: URL, proxy: Proxy, tmp_path: Path, silent: bool
) -> None:
    url = app_database.set(host="127.0.0.1", port=proxy.port)
    app = "tests.app.probe:app"
    with measured(url, tmp_path, app=app) as one, ThreadPoolExecutor() as threads:
        for answer in [
            threads.submit(one.running.get, "/probe/sleep?seconds=0.5") for _ in range(3)
        ]:
            assert answer.result().status_code == 200
        found = one.at_rest()
        assert connections(found, "idle")["read"] >= 3
        assert found.value("hub_database_up") == 1
        assert {"hub_drafts", "hub_http_requests_in_progress"} <= found.samples.keys()
        proxy.silence()  # new connections get no answer either
        if not silent:
            proxy.cut()
        for _ in range(3):
            found = one.scrape()
            assert found.value("hub_database_up") == 0
            assert not IN_DATABASE & found.samples.keys()
            # However often it is scraped, it takes no more of them.
            assert connections(found, "in_use")["read"] <= 1
        proxy.speak()
        proxy.cut()
        one.when(
            lambda found: found.value("hub_database_up") == 1 and "hub_drafts" in found.samples
        )
        assert one.running.terminate() in (0, -15)
    assert "Traceback" not in one.running.text()
    assert "never retrieved" not in one.running.text()


def test_a_database_that_was_never_there_is_told(template: URL, tmp_path: Path) -> None:
    with measured(template.set(host="127.0.0.1", port=free_port()), tmp_path) as one:
        found = one.scrape()
    assert found.value("hub_database_up") == 0
    assert not IN_DATABASE & found.samples.keys()


def test_a_database_without_the_table_is_up_and_the_reason_is_logged_once(
    one: Measured, database: URL
) -> None:
    sql(database, "DROP TABLE job_runs")
    for _ in range(3):
        found = one.scrape()
        assert found.value("hub_database_up") == 1
        assert not IN_DATABASE & found.samples.keys()
    lines = [line for line in one.running.text().splitlines() if "no metrics of what" in line]
    assert len(lines) == 1
    assert "job_runs" in lines[0]
