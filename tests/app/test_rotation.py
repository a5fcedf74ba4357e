"""A change of the database's password costs nobody a request, in whichever order it is made."""

import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.hub import UNLIMITED
from tests.app.support import ROOT, Backend, backend, environment, sql
from tests.app.trees import write_tree

PAYLOAD = {
    "wiki_url": "https://wiki.example",
    "base_version": "v1",
    "entities": {"categories": [{"entity_id": "A", "label": "A", "schema_definition": {}}]},
}
CLIENTS = 6


@dataclass
class Role:
    """A role of the test's own, with all that the app's role may do, and its password's file."""

    admin: URL
    name: str
    file: Path
    old: str
    new: str

    def write(self, password: str) -> None:
        """Do a courier's part."""
        self.file.write_text(password)

    def alter(self, password: str) -> None:
        """Do the roles job's part."""
        sql(self.admin, f"ALTER ROLE {self.name} PASSWORD '{password}'")

    def disconnect(self) -> None:
        """End all its sessions, and wait until its program knows."""
        of_this_role = f"FROM pg_stat_activity WHERE usename = '{self.name}'"
        sql(self.admin, f"SELECT pg_terminate_backend(pid) {of_this_role}")
        while sql(self.admin, f"SELECT pid {of_this_role}"):
            time.sleep(0.02)
        time.sleep(0.3)

    @property
    def variables(self) -> dict[str, str]:
        """What names the database to the application."""
        return {
            "DATABASE_HOST": str(self.admin.host),
            "DATABASE_PORT": str(self.admin.port),
            "DATABASE_NAME": str(self.admin.database),
            "DATABASE_USER": self.name,
            "DATABASE_PASSWORD_FILE": str(self.file),
        }


@pytest.fixture
def role(admin: URL, roles: dict[str, str], tmp_path: Path) -> Iterator[Role]:
    old, new = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    name = f"test_rotated_{secrets.token_hex(4)}"
    sql(admin, f"CREATE ROLE {name} LOGIN PASSWORD '{old}' IN ROLE {roles['app']}")
    made = Role(admin, name, tmp_path / "password", old, new)
    made.write(old)
    yield made
    sql(admin, f"DROP ROLE {name}")


@pytest.fixture
def running(role: Role, tmp_path: Path) -> Iterator[Backend]:
    variables = {**role.variables, **UNLIMITED, "DRAFTS_PER_HOUR": "1000000"}
    with backend(None, tmp_path, variables=variables) as started:
        yield started


class Load:
    """Clients that read, write and ask for the health, over and over; `statuses` are the answers.

    `held` stops them between two requests: what is under way when a session is ended by force
    fails, and rightly so.
    """

    def __init__(self, running: Backend) -> None:
        self.statuses: list[Any] = []
        self._running = running
        self._go, self._done = threading.Event(), threading.Event()
        self._busy = threading.Semaphore(CLIENTS)
        self._go.set()
        self._threads = [threading.Thread(target=self._ask, args=(i,)) for i in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        self.wait_for_answers()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._go.set()
        for thread in self._threads:
            thread.join()

    def hold(self) -> None:
        """Let all requests end and begin no other."""
        self._go.clear()
        for _ in range(CLIENTS):
            self._busy.acquire()
        for _ in range(CLIENTS):
            self._busy.release()

    def go_on(self) -> None:
        self._go.set()

    def wait_for_answers(self, count: int = 30) -> None:
        """Wait until so many more have come."""
        wanted = len(self.statuses) + count
        deadline = time.monotonic() + 20
        while len(self.statuses) < wanted:
            assert time.monotonic() < deadline, self._running.text()
            time.sleep(0.05)

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._running.url, timeout=20) as client:
            while not self._done.is_set():
                self._go.wait()
                with self._busy:
                    if not self._go.is_set():
                        continue
                    try:
                        self.statuses.append(self._request(client, number % 3))
                    except httpx.HTTPError as error:
                        self.statuses.append(error)

    def _request(self, client: httpx.Client, kind: int) -> str:
        if kind == 0:
            return f"read {client.get('/api/v1/entities').status_code}"
        if kind == 1:
            answer = client.post("/api/v1/drafts", json={"payload": PAYLOAD})
            return f"write {answer.status_code}"
        return f"health {client.get('/health').status_code}"


WELL = {"read 200", "write 201", "health 200"}


def test_no_request_fails_where_the_file_comes_before_the_role(
    role: Role, running: Backend
) -> None:
    with Load(running) as load:
        load.hold()
        role.write(role.new)
        role.disconnect()
        load.go_on()
        load.wait_for_answers()
        load.hold()
        role.alter(role.new)
        role.disconnect()
        load.go_on()
        load.wait_for_answers()
    assert set(load.statuses) == WELL
    assert "refused" not in running.text()


def test_no_request_fails_where_the_role_comes_before_the_file(
    role: Role, running: Backend
) -> None:
    with Load(running) as load:
        load.hold()
        role.alter(role.new)
        role.disconnect()
        load.go_on()
        time.sleep(1)  # less than /health may take
        role.write(role.new)
        load.wait_for_answers()
    assert set(load.statuses) == WELL
    told = [line["message"] for line in running.lines() if "database" in line["message"]]
    assert told == ["database password refused", "database password accepted"]
    assert role.old not in running.text()
    assert role.new not in running.text()


def test_a_half_written_file_is_not_taken_for_a_password(role: Role, running: Backend) -> None:
    for content in (None, "", role.old[:5]):
        role.file.unlink() if content is None else role.write(content)
        role.disconnect()
        assert running.get("/api/v1/entities").status_code == 200, content


def test_a_file_that_changes_before_the_first_connection_is_no_fault(
    role: Role, running: Backend
) -> None:
    role.write(role.new)
    assert running.get("/api/v1/entities").status_code == 200


@pytest.mark.parametrize("program", ["alembic current", "app.importer"])
def test_a_program_that_starts_before_its_role_is_altered_waits_for_it(
    role: Role, tmp_path: Path, program: str
) -> None:
    module, *arguments = program.split()
    if module == "alembic":
        arguments = ["-c", str(ROOT / "alembic.ini"), *arguments]
    else:
        write_tree(tmp_path / "source", {"categories/A.json": '{"id": "A", "label": "A"}'})
        arguments = [str(tmp_path / "source")]
    role.write(role.new)
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=tmp_path,
        env=environment(None, {**role.variables, "PYTHONPATH": str(ROOT)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(3)
    role.alter(role.new)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said


def test_a_password_that_stays_wrong_is_told_within_the_time_of_connecting(
    role: Role, tmp_path: Path
) -> None:
    variables = {**role.variables, "DATABASE_CONNECT_TIMEOUT": "1"}
    with backend(None, tmp_path, variables=variables) as running:
        role.alter(role.new)
        started = time.monotonic()
        answer = running.get("/api/v1/entities")
        assert 1 <= time.monotonic() - started < 5
        assert answer.status_code == 503
        assert answer.json()["detail"] == "The database does not answer."
        assert running.get("/health").status_code == 503
        told = [line for line in running.lines() if line["message"] == "database password refused"]
    assert [line["file"] for line in told] == [str(role.file)]
    assert f'password authentication failed for user "{role.name}"' in told[0]["reason"]
    for password in (role.old, role.new):
        assert password not in running.text() + answer.text
