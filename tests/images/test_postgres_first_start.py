"""The rows of images/README.md about postgres that is killed, or finds a strange data folder."""

import os
import signal
import time
from pathlib import Path

import pytest

from infra.images import ImageSource
from tests.images.containers import Container, Engine, docker

HEALTH = ("pg_isready", "--quiet", "--host=127.0.0.1")
MARK = "ontology-hub-unfinished.*"
# Once in a file of its own and once in one that takes a while: a test can kill it in between.
INIT_FILES = {
    "1.sql": "CREATE TABLE made (file text); INSERT INTO made VALUES ('1');",
    "2.sh": 'psql -U postgres -c "INSERT INTO made VALUES (2)"; touch "$PGDATA/here"; sleep 2',
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder on the host, where a test sees each step of the first start at once."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def options(tmp_path: Path, data: Path) -> list[str]:
    files = tmp_path / "init"
    files.mkdir()
    for name, text in INIT_FILES.items():
        (files / name).write_text(text)
    return [
        *("--env", "POSTGRES_PASSWORD=x", "--env", "POSTGRES_INITDB_ARGS=--data-checksums"),
        *("--volume", f"{files}:/docker-entrypoint-initdb.d:ro"),
        *("--volume", f"{data}:/var/lib/postgresql/data"),
    ]


@pytest.fixture
def twin(postgres_image: str, source: ImageSource) -> str:
    if source == "registry":
        pytest.skip("a promise of the twin alone")
    return postgres_image


def kill(container: Container) -> None:
    """Kill it as a lost machine or the kernel does, and at once."""
    pid = int(docker("inspect", "--format", "{{.State.Pid}}", container.name))
    os.kill(pid, signal.SIGKILL)
    assert container.wait_exit() == 128 + signal.SIGKILL


def appears(data: Path, pattern: str) -> None:
    """Wait until a file of the data folder is there."""
    ends = time.monotonic() + 60
    while not any(data.glob(pattern)):
        assert time.monotonic() < ends, f"no {pattern} in {[*data.iterdir()]}"
        time.sleep(0.001)


def rows(container: Container) -> str:
    """Return what is in the init files' table once the server takes connections over TCP."""
    container.wait_until(lambda: container.succeeds(*HEALTH))
    query = "SELECT string_agg(file, ' ' ORDER BY file) FROM made"
    return container.run("psql", "-XAtU", "postgres", "-c", query).strip()


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(MARK, id="the data folder is marked"),
        pytest.param("**/PG_VERSION", id="initdb has begun"),
        pytest.param("**/global/pg_control", id="initdb is half-way"),
        pytest.param("PG_VERSION", id="initdb is done"),
        pytest.param("postmaster.pid", id="the temporary server starts"),
        pytest.param("here", id="the init files run"),
    ],
)
def test_postgres_makes_a_first_start_that_was_killed_again(
    engine: Engine, twin: str, data: Path, options: list[str], moment: str
) -> None:
    killed = engine.start(twin, *options)
    appears(data, moment)
    kill(killed)
    again = engine.start(twin, *options)
    assert rows(again) == "1 2"
    assert "making it again" in again.logs()
    left = [path.name for path in data.glob("ontology-hub-*")]
    assert left == []


def test_postgres_leaves_what_it_did_not_make_as_it_is(
    engine: Engine, postgres_image: str, data: Path, options: list[str]
) -> None:
    # The mark of another folder: that of which this one is a copy.
    foreign = data / MARK.replace("*", "1")
    foreign.write_text("not a database")
    refused = engine.start(postgres_image, *options)
    assert refused.wait_exit() == 1
    assert "not empty" in refused.logs()
    assert [path.name for path in data.iterdir()] == [foreign.name]
    foreign.unlink()
    used = engine.start(postgres_image, *options)
    assert rows(used) == "1 2"
    used.run("psql", "-U", "postgres", "-c", "INSERT INTO made VALUES ('mine')")
    kill(used)
    foreign.write_text("not a database")
    again = engine.start(postgres_image, *options)
    assert rows(again) == "1 2 mine"
    assert foreign.exists()


def test_postgres_first_start_has_the_data_folder_for_itself(
    engine: Engine, twin: str, data: Path, options: list[str]
) -> None:
    first = engine.start(twin, *options)
    appears(data, "here")
    second = engine.start(twin, *options)
    assert second.wait_exit() == 1
    assert "another container" in second.logs()
    assert rows(first) == "1 2"
