"""The rows of images/README.md about postgres-exporter, one test each."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.services import postgres_exporter
from tests.images.containers import POSTURE, Container, Engine, config, docker, secret

PASSWORD = "".join(map(chr, range(ord("!"), ord("~") + 1)))
RESTRICTED = (*POSTURE, "--read-only", "--user", "65534:65534")
METRICS = ("wget", "-q", "-O", "-", f"http://127.0.0.1:{postgres_exporter.PORT}/metrics")


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server, found by `db` on its network."""

    container: Container
    network: str


@pytest.fixture(scope="module")
def server(shared_engine: Engine, postgres_image: str) -> Server:
    network = shared_engine.network()
    container = shared_engine.start(
        postgres_image,
        *("--network", network, "--network-alias", "db", "--env", f"POSTGRES_PASSWORD={PASSWORD}"),
    )
    container.wait_until(lambda: container.succeeds("pg_isready", "--host=127.0.0.1"))
    return Server(container, network)


def start(engine: Engine, image: str, server: Server, folder: Path, password: str) -> Container:
    """Start an exporter as the Pulumi program does, and wait until it answers."""
    folder.chmod(0o755)
    file = secret(folder, "password", password, uid=65534)
    container = engine.start(
        image,
        *(*RESTRICTED, "--network", server.network, "--volume", f"{file}:/run/password:ro"),
        *("--env", "DATA_SOURCE_URI=db:5432/postgres?sslmode=disable"),
        *("--env", "DATA_SOURCE_USER=postgres"),
        *("--env", "DATA_SOURCE_PASS_FILE=/run/password"),
        command=[
            *(f"--collector.{name}" for name in postgres_exporter.COLLECTED),
            *(f"--no-collector.{name}" for name in postgres_exporter.UNUSED),
        ],
    )
    container.wait_until(lambda: container.succeeds(*METRICS))
    return container


@pytest.fixture(scope="module")
def running(
    shared_engine: Engine,
    postgres_exporter_image: str,
    server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Container:
    folder = tmp_path_factory.mktemp("exporter")
    return start(shared_engine, postgres_exporter_image, server, folder, PASSWORD)


def test_postgres_exporter_is_version_0_17(running: Container) -> None:
    assert "version 0.17." in running.run("/bin/postgres_exporter", "--version")


def test_postgres_exporter_runs_as_nobody_read_only(
    running: Container, postgres_exporter_image: str
) -> None:
    assert config(postgres_exporter_image)["User"] == "nobody"
    assert config(postgres_exporter_image)["Entrypoint"] == ["/bin/postgres_exporter"]
    assert running.run("id", "-u", "nobody").strip() == "65534"
    assert "pg_up 1" in running.run(*METRICS).splitlines()


def test_postgres_exporter_reads_the_password_from_its_file(running: Container) -> None:
    assert "pg_up 1" in running.run(*METRICS).splitlines()
    shown = running.logs() + docker("inspect", running.name)
    assert PASSWORD not in shown
    assert json.dumps(PASSWORD) not in shown


def test_postgres_exporter_tells_whether_the_server_answers(
    engine: Engine,
    running: Container,
    postgres_exporter_image: str,
    server: Server,
    tmp_path: Path,
) -> None:
    assert running.succeeds(*postgres_exporter.PROBE)
    refused = start(engine, postgres_exporter_image, server, tmp_path, "wrong")
    assert not refused.succeeds(*postgres_exporter.PROBE)
    assert "pg_up 0" in refused.run(*METRICS).splitlines()
    docker("stop", server.container.name)
    running.wait_until(lambda: "pg_up 0" in running.run(*METRICS).splitlines())
    assert not running.succeeds(*postgres_exporter.PROBE)
    docker("start", server.container.name)
    running.wait_until(lambda: running.succeeds(*postgres_exporter.PROBE))
