"""A real PostgreSQL: TEST_DATABASE_URL (a superuser's), or a container for this test run."""

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.engine import URL, make_url

from infra import versions
from infra.images import reference
from tests.app.hub import UNLIMITED, Hub
from tests.app.support import alembic, backend, sql

PASSWORD = secrets.token_urlsafe(16)


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """The superuser's URL of a database server that these tests may do anything on."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield make_url(given)
        return
    container = _start_container()
    try:
        yield _wait_until_ready(container)
    finally:
        _docker("rm", "--force", "--volumes", container)


@pytest.fixture(scope="session")
def roles(server: URL) -> Iterator[dict[str, str]]:
    """The names of an owner and an app role: neither is a superuser, as in the stack."""
    tag = secrets.token_hex(4)
    names = {"owner": f"test_owner_{tag}", "app": f"test_app_{tag}"}
    for name in names.values():
        sql(server, f"CREATE ROLE {name} LOGIN NOSUPERUSER PASSWORD '{PASSWORD}'")
    yield names
    for name in names.values():
        sql(server, f"DROP ROLE {name}")


@pytest.fixture(scope="session")
def create_database(server: URL, roles: dict[str, str]) -> Callable[[str | None], URL]:
    """A function that makes a database of the owner's, empty or a copy, and returns its URL."""

    def create(template: str | None = None) -> URL:
        name = f"test_{secrets.token_hex(6)}"
        copy = f"TEMPLATE {template}" if template else ""
        sql(server, f"CREATE DATABASE {name} OWNER {roles['owner']} {copy}")
        url = server.set(username=roles["owner"], password=PASSWORD, database=name)
        if not template:
            sql(
                url,
                f"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES"
                f" TO {roles['app']}",
            )
        return url

    return create


def drop(server: URL, url: URL) -> None:
    """Drop the database, whoever is still connected."""
    sql(server, f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture(scope="session")
def template(server: URL, create_database: Callable[[str | None], URL]) -> Iterator[URL]:
    """A database migrated by Alembic, for copying."""
    url = create_database(None)
    result = alembic(url, "upgrade", "head")
    assert result.returncode == 0, result.stderr
    yield url
    drop(server, url)


@pytest.fixture
def database(
    server: URL, template: URL, create_database: Callable[[str | None], URL]
) -> Iterator[URL]:
    """A migrated database of the test's own; the URL is the owner's."""
    url = create_database(template.database)
    yield url
    drop(server, url)


@pytest.fixture(scope="module")
def module_database(
    server: URL, template: URL, create_database: Callable[[str | None], URL]
) -> Iterator[URL]:
    """A migrated database of the test file's own, for a backend that runs through all of it."""
    url = create_database(template.database)
    yield url
    drop(server, url)


@pytest.fixture
def empty_database(server: URL, create_database: Callable[[str | None], URL]) -> Iterator[URL]:
    """An empty database of the test's own; the URL is the owner's."""
    url = create_database(None)
    yield url
    drop(server, url)


@pytest.fixture
def app_database(database: URL, roles: dict[str, str]) -> URL:
    """The test's migrated database, as the app's role."""
    return database.set(username=roles["app"])


@pytest.fixture(scope="module")
def serving(
    server: URL,
    template: URL,
    roles: dict[str, str],
    create_database: Callable[[str | None], URL],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Hub]:
    """The file's backend, as the app's role, over a migrated database of the file's own."""
    url = create_database(template.database)
    folder = tmp_path_factory.mktemp("hub")
    with (
        backend(url.set(username=roles["app"]), folder, variables=UNLIMITED) as running,
        Hub(url, running) as hub,
    ):
        yield hub
    drop(server, url)


@pytest.fixture
def hub(serving: Hub) -> Hub:
    """The file's backend, without any rows."""
    serving.clear()
    return serving


@pytest.fixture
def admin(server: URL, database: URL) -> URL:
    """The test's migrated database, as the superuser, who sees what others' sessions do."""
    return server.set(database=database.database)


def _start_container() -> str:
    source = os.environ.get("IMAGE_SOURCE", "local")
    image = reference(versions.POSTGRES, "registry" if source == "registry" else "local")
    # In memory and without fsync: nothing here has to survive.
    return _docker(
        *("run", "--detach", "--label", "ontology-hub.test=1"),
        *("--tmpfs", "/var/lib/postgresql/data", "--publish", "127.0.0.1::5432"),
        *("--env", f"POSTGRES_PASSWORD={PASSWORD}", image),
        *("-c", "fsync=off", "-c", "full_page_writes=off"),
    )


def _wait_until_ready(container: str) -> URL:
    port = _docker("port", container, "5432/tcp").rpartition(":")[2]
    url = make_url(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres")
    deadline = time.monotonic() + 60
    while True:
        try:
            sql(url, "SELECT 1")
        except Exception:  # refused, reset, or "the database system is starting up"
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return url


def _docker(*arguments: str) -> str:
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(
            f"docker {arguments[0]} failed: {result.stderr.strip()}\n"
            "The tests need PostgreSQL 17: run `make up` once (it makes the image), or set"
            " TEST_DATABASE_URL to a superuser of a server that they may use."
        )
    return result.stdout.strip()
