"""/admin/sync: who may call it, what it answers, and that an import is whole or not at all."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from app.api.admin import sync as sync_route
from app.importer.load import LOCK
from app.resync import Resync
from tests.app.histories import changed, files
from tests.app.support import Backend, address, backend, holding, sql
from tests.app.syncing import (
    IMPORTED,
    NOT_IMPORTED,
    SECRET,
    STOPPED,
    UNREADABLE,
    logged,
    push,
    put,
    secret_file,
    until_logged,
)

PATH = "/api/v1/admin/sync"
PATHS = [PATH, "/admin/sync"]
BEARER = {"Authorization": f"Bearer {SECRET}"}

SMALL = {
    **files("categories/Agent", "categories/Person", "properties/Has_name", "subobjects/Address"),
    **files("modules/Core", categories=["Agent"]),
    **files("bundles/Default", modules=["Core"]),
}


def sync(running: Backend, headers: Any = BEARER, path: str = PATH) -> httpx.Response:
    return httpx.post(running.url + path, headers=headers, timeout=60)


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


def live(url: URL) -> list[str]:
    found = sql(url, "SELECT entity_id FROM entities WHERE deleted_at IS NULL ORDER BY 1")
    return [row["entity_id"] for row in found]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    put(tmp_path / "source", SMALL)
    return tmp_path / "source"


@pytest.fixture
def running(app_database: URL, source: Path, tmp_path: Path) -> Iterator[Backend]:
    """A backend with a secret and a source of its own."""
    variables = {
        "ADMIN_SECRET_FILE": secret_file(tmp_path),
        "WEBHOOK_SECRET_FILE": secret_file(tmp_path),
        "ONTOLOGY_PATH": str(source),
        "LOG_LEVEL": "DEBUG",
        # An import may take longer than any other request.
        "REQUEST_TIMEOUT": "0.5",
    }
    with backend(app_database, tmp_path, variables=variables) as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("admin")


@pytest.fixture(scope="module")
def closed(template: URL, folder: Path) -> Iterator[Backend]:
    """A backend with a source and without a secret."""
    with backend(template, folder, variables={"ONTOLOGY_PATH": str(folder)}) as started:
        yield started


@pytest.fixture(scope="module")
def keyed(template: URL, folder: Path) -> Iterator[Backend]:
    """A backend with a secret and without a source."""
    variables = {"ADMIN_SECRET_FILE": secret_file(folder), "LOG_LEVEL": "DEBUG"}
    with backend(template, folder, variables=variables) as started:
        yield started


class TestWhoMay:
    @pytest.mark.parametrize("path", PATHS)
    def test_without_a_secret_it_is_closed(self, closed: Backend, path: str) -> None:
        for headers in ({}, BEARER, {"Authorization": "Bearer None"}):
            status, detail = refused(sync(closed, headers, path))
            assert status == 503
            assert "ADMIN_SECRET_FILE" in detail

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize(
        "given",
        [
            *(None, "", "Bearer", SECRET, f"Basic {SECRET}", f"Bearer {SECRET}x"),
            *(f"Bearer {SECRET[:-1]}", f"Bearer {SECRET.upper()}", f"Bearer {SECRET},{SECRET}"),
            *(f"Bearer x {SECRET}", "Bearer \xe9\xff", "Bearer " + "x" * 5000),
        ],
    )
    def test_who_does_not_bear_the_secret_is_refused(
        self, keyed: Backend, path: str, given: str | None
    ) -> None:
        headers = {} if given is None else {"Authorization": given.encode("latin-1")}
        answer = sync(keyed, headers, path)
        assert refused(answer)[0] == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_the_secret_stands_in_the_header_only(self, keyed: Backend) -> None:
        url = f"{keyed.url}{PATH}?access_token={SECRET}&secret={SECRET}"
        assert httpx.post(url, data={"access_token": SECRET}, timeout=20).status_code == 401

    @pytest.mark.parametrize("path", PATHS)
    def test_without_a_source_there_is_nothing_to_read(self, keyed: Backend, path: str) -> None:
        status, detail = refused(sync(keyed, path=path))
        assert status == 503
        assert "ONTOLOGY_PATH" in detail

    def test_the_secret_is_not_logged(self, keyed: Backend) -> None:
        sync(keyed)
        sync(keyed, {"Authorization": f"Bearer {SECRET}x"})
        assert f'"{PATH}"' in keyed.text()
        assert SECRET not in keyed.text()


class TestSync:
    def test_the_source_is_read_again_as_it_is_now(
        self, running: Backend, source: Path, database: URL
    ) -> None:
        answer = sync(running)
        assert answer.status_code == 200
        assert answer.json() == {
            "commit_sha": None,
            "entities_synced": 4,
            "modules_synced": 1,
            "profiles_synced": 1,
            "files_processed": 6,
            "errors": 0,
        }
        assert live(database) == ["Address", "Agent", "Has_name", "Person"]
        (source / "categories/Person.json").unlink()
        put(source, {**files("categories/Place"), "categories/Broken.json": "{"})
        answer = sync(running, path="/admin/sync")
        assert answer.json()["errors"] == 1
        assert live(database) == ["Address", "Agent", "Has_name", "Place"]
        assert [line["path"] for line in logged(running, UNREADABLE)] == ["categories/Broken.json"]
        versions = [one["tag_name"] for one in running.get("/api/v1/versions").json()]
        assert versions == ["snapshot-2", "snapshot-1"]
        diff = running.get("/api/v1/versions/diff?old=snapshot-1&new=snapshot-2").json()
        assert changed(diff) == {"added": {"categories/Place"}, "deleted": {"categories/Person"}}

    def test_a_source_that_is_none_changes_nothing_and_is_told(
        self, running: Backend, source: Path, database: URL
    ) -> None:
        assert sync(running).status_code == 200
        before = live(database)
        source.rename(source.with_name("elsewhere"))
        status, detail = refused(sync(running))
        assert status == 502
        assert detail.startswith("The source cannot be imported: ")
        assert len(detail.splitlines()) == 1
        assert live(database) == before
        assert logged(running, NOT_IMPORTED)[0]["reason"] in detail
        assert "Traceback" not in running.text()


class TestWholeOrNotAtAll:
    """Holding the importer's lock holds an import up, so that something can happen meanwhile."""

    def test_a_client_that_goes_away_stops_no_import(self, running: Backend, database: URL) -> None:
        with holding(database, LOCK):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(running.url + PATH, headers=BEARER, timeout=1)
            until_waiting(database)
        until_logged(running, IMPORTED)
        assert len(live(database)) == 4

    def test_a_service_that_stops_leaves_no_import_behind(
        self, running: Backend, source: Path, database: URL
    ) -> None:
        with holding(database, LOCK):
            assert push(running).status_code == 200
            until_waiting(database)
            running.terminate()
            assert importers(source) == []
        assert len(logged(running, STOPPED)) == 1
        assert len(logged(running, "Application shutdown complete.")) == 1
        assert live(database) == []

    def test_who_asks_while_an_import_runs_shares_the_one_after_it(
        self,
        app_database: URL,
        database: URL,
        source: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", address(app_database))

        async def ask(resync: Resync) -> None:
            with holding(database, LOCK) as release:
                # Whoever asked is cut off: the import goes on for the others.
                asker = asyncio.create_task(sync_route(resync))
                first = resync.start()
                await asyncio.to_thread(until_waiting, database)
                asker.cancel()
                await asyncio.wait({asker})
                others = [resync.start() for _ in range(4)]
                assert others == [others[0]] * 4
                assert others[0] is not first
                release()
                for one in (first, others[0]):
                    assert (await one).entities_synced == 4

        with caplog.at_level("INFO", "app.resync"):
            asyncio.run(closing(source, ask))
        assert [record.message for record in caplog.records] == [IMPORTED] * 2

    def test_what_waits_is_dropped_and_what_runs_is_ended(
        self, app_database: URL, database: URL, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", address(app_database))

        async def ask(resync: Resync) -> None:
            with holding(database, LOCK):
                first = resync.start()
                await asyncio.to_thread(until_waiting, database)
                second = resync.start()
                await resync.close()
                assert importers(source) == []
            assert first.cancelled()
            assert second.cancelled()

        asyncio.run(closing(source, ask))
        assert live(database) == []


async def closing(source: Path, use: Callable[[Resync], Awaitable[None]]) -> None:
    """Use a Resync, and close it whatever comes: asyncio hangs where a process is left."""
    resync = Resync(source)
    try:
        await use(resync)
    finally:
        await resync.close()


def until_waiting(database: URL) -> None:
    """Wait until an import waits for its lock."""
    waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    deadline = time.monotonic() + 30
    while not sql(database, waiting):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def importers(source: Path) -> list[str]:
    """Return the processes that import this source."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            command = file.read_bytes().split(b"\0")
            if b"app.importer" in command and str(source).encode() in command:
                found.append(file.parent.name)
    return found
