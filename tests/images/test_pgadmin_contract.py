"""The rows of images/README.md about pgadmin, one test each."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from infra.images import ImageSource
from tests.images.containers import POSTURE, Container, Engine, config, docker, secret
from tests.images.pgadmin_client import EMAIL, Client

PASSWORD = "S3cret of pgAdmin"
DATABASE_PASSWORD = "S3cret:of\\db"
HIGH_PORT = 5050
USER = (
    *("--env", f"PGADMIN_DEFAULT_EMAIL={EMAIL}"),
    *("--env", f"PGADMIN_DEFAULT_PASSWORD={PASSWORD}"),
)


def ping(port: int) -> tuple[str, ...]:
    """The health check: the same command in the public image and in its twin."""
    return ("wget", "-q", "-O", "-", f"http://127.0.0.1:{port}/misc/ping")


def ready(container: Container, port: int) -> Container:
    container.wait_until(lambda: container.succeeds(*ping(port)))
    return container


def servers_file(folder: Path, *names: str) -> str:
    """Write server definitions, all of the database at `db`, and return the file."""
    common = {"Group": "Servers", "Host": "db", "Port": 5432, "MaintenanceDB": "postgres"}
    common |= {"Username": "postgres"}
    connection = {"sslmode": "prefer", "passfile": "/.pgpass"}
    servers = {
        str(number): {"Name": name, **common, "ConnectionParameters": connection}
        for number, name in enumerate(names, start=1)
    }
    file = folder / f"{'-'.join(names)}.json"
    file.write_text(json.dumps({"Servers": servers}))
    file.chmod(0o644)
    return str(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pgadmin")
    made.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def volume(shared_engine: Engine) -> str:
    return shared_engine.volume()


@pytest.fixture(scope="module")
def restricted(
    shared_engine: Engine, pgadmin_image: str, postgres_image: str, folder: Path, volume: str
) -> Container:
    """pgAdmin as the Pulumi program runs it, beside a database."""
    network = shared_engine.network()
    shared_engine.start(
        postgres_image,
        *("--network", network, "--network-alias", "db"),
        *("--env", f"POSTGRES_PASSWORD={DATABASE_PASSWORD}"),
    )
    password = secret(folder, "password", f"{PASSWORD}\n", uid=5050)
    escaped = DATABASE_PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    pgpass = secret(folder, "pgpass", f"db:5432:*:postgres:{escaped}\n", uid=5050)
    container = shared_engine.start(
        pgadmin_image,
        *(
            *POSTURE,
            "--user",
            "5050:0",
            "--network",
            network,
            "--publish",
            f"127.0.0.1::{HIGH_PORT}",
        ),
        *("--env", f"PGADMIN_DEFAULT_EMAIL={EMAIL}"),
        *("--env", "PGADMIN_DEFAULT_PASSWORD_FILE=/run/secrets/password"),
        *("--env", "PGPASS_FILE=/run/secrets/pgpass"),
        *("--env", f"PGADMIN_LISTEN_PORT={HIGH_PORT}"),
        *("--env", "PGADMIN_DISABLE_POSTFIX=true"),
        *("--env", "PGADMIN_SERVER_JSON_FILE=/config/servers.json"),
        *("--env", "PGADMIN_CONFIG_LOGIN_BANNER='For the hub only'"),
        *("--env", "GUNICORN_THREADS=7", "--env", "GUNICORN_ACCESS_LOGFILE=/dev/null"),
        *("--volume", f"{password}:/run/secrets/password:ro"),
        *("--volume", f"{pgpass}:/run/secrets/pgpass:ro"),
        *("--volume", f"{servers_file(folder, 'first')}:/config/servers.json:ro"),
        *("--volume", f"{volume}:/var/lib/pgadmin"),
    )
    return ready(container, HIGH_PORT)


@pytest.fixture(scope="module")
def unrestricted(shared_engine: Engine, pgadmin_image: str) -> Container:
    """pgAdmin as plain `docker run` starts it."""
    container = shared_engine.start(
        pgadmin_image,
        *(*USER, "--publish", "127.0.0.1::80"),
    )
    return ready(container, 80)


def test_pgadmin_refuses_to_start_without_email_or_password(
    engine: Engine, pgadmin_image: str
) -> None:
    for missing in ("PGADMIN_DEFAULT_EMAIL=a@example.com", "PGADMIN_DEFAULT_PASSWORD=secret"):
        container = engine.start(pgadmin_image, "--env", missing)
        assert container.wait_exit() == 1
        assert "PGADMIN_DEFAULT_EMAIL" in container.logs()


def test_pgadmin_refuses_an_email_it_cannot_accept(engine: Engine, pgadmin_image: str) -> None:
    container = engine.start(
        pgadmin_image,
        *("--env", "PGADMIN_DEFAULT_EMAIL=nobody@localhost"),
        *("--env", "PGADMIN_DEFAULT_PASSWORD=secret"),
    )
    assert container.wait_exit() != 0
    assert "nobody@localhost" in container.logs()


def test_pgadmin_first_user_has_the_given_email_and_password(unrestricted: Container) -> None:
    with Client(unrestricted.address(80)) as client:
        assert not client.login("wrong")
    with Client(unrestricted.address(80)) as client:
        assert client.login(PASSWORD)


def test_pgadmin_reads_the_password_from_its_file(restricted: Container) -> None:
    with Client(restricted.address(HIGH_PORT)) as client:
        assert client.login(PASSWORD)
    assert PASSWORD not in docker("inspect", restricted.name)
    assert PASSWORD not in restricted.logs()


def test_pgadmin_runs_as_5050_in_roots_group(
    restricted: Container, unrestricted: Container, pgadmin_image: str
) -> None:
    for container in (restricted, unrestricted):
        assert container.run("stat", "-c", "%u:%g", "/proc/1").strip() == "5050:0"
    assert config(pgadmin_image)["User"] in ("5050", "pgadmin")


def test_pgadmin_listens_on_80_where_nothing_is_restricted(
    unrestricted: Container, pgadmin_image: str
) -> None:
    assert sorted(config(pgadmin_image)["ExposedPorts"]) == ["443/tcp", "80/tcp"]
    assert unrestricted.run(*ping(80)) == "PING"


def test_pgadmin_listens_where_it_is_told_to(
    engine: Engine, restricted: Container, pgadmin_image: str
) -> None:
    assert restricted.run(*ping(HIGH_PORT)) == "PING"
    other = engine.start(
        pgadmin_image,
        *USER,
        *("--env", "PGADMIN_LISTEN_ADDRESS=127.0.0.1", "--publish", "127.0.0.1::80"),
    )
    ready(other, 80)
    own = other.run("hostname", "-i").split()[0]
    assert not other.succeeds("wget", "-q", "-O", "-", f"http://{own}:80/misc/ping")


def test_pgadmin_python_carries_a_capability_that_must_not_be_dropped(
    engine: Engine, pgadmin_image: str
) -> None:
    def exit_code(*options: str) -> int:
        container = engine.start(
            pgadmin_image,
            *("--env", f"PGADMIN_DEFAULT_EMAIL={EMAIL}", *options),
            *("--entrypoint", "/bin/sh"),
            command=("-c", "/venv/bin/python3 -c 'print(1)'"),
        )
        return container.wait_exit()

    assert exit_code("--cap-drop", "ALL") == 126  # found, and not permitted to start
    assert exit_code("--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE") == 0


def test_pgadmin_without_the_capability_listens_on_8080(engine: Engine, pgadmin_image: str) -> None:
    for restriction in (("--cap-drop", "ALL"), ("--security-opt", "no-new-privileges")):
        container = engine.start(
            pgadmin_image,
            *restriction,
            *(
                "--env",
                f"PGADMIN_DEFAULT_EMAIL={EMAIL}",
                "--env",
                "PGADMIN_DEFAULT_PASSWORD=secret",
            ),
        )
        ready(container, 8080)
        engine.clean()


def test_pgadmin_loads_the_servers_at_the_first_start(restricted: Container) -> None:
    with Client(restricted.address(HIGH_PORT)) as client:
        assert client.login(PASSWORD)
        assert client.servers() == ["first"]


def test_pgadmin_connects_with_the_passwords_of_pgpass_file(restricted: Container) -> None:
    with Client(restricted.address(HIGH_PORT)) as client:
        assert client.login(PASSWORD)
        answer = client.connect()
        assert answer["success"] == 1, answer
        assert answer["data"]["connected"] is True


def test_pgadmin_config_variables_become_settings(restricted: Container) -> None:
    with Client(restricted.address(HIGH_PORT)) as client:
        assert "For the hub only" in client.login_page()


def test_pgadmin_is_served_by_one_gunicorn_worker_with_threads(
    restricted: Container, unrestricted: Container
) -> None:
    for container, threads in ((restricted, "7"), (unrestricted, "25")):
        arguments = container.run("cat", "/proc/1/cmdline").split("\0")
        assert any("gunicorn" in argument for argument in arguments)
        assert arguments[arguments.index("--threads") + 1] == threads
        workers = "--workers" if "--workers" in arguments else "-w"
        assert arguments[arguments.index(workers) + 1] == "1"


def test_pgadmin_access_log_goes_where_it_is_told_to(
    restricted: Container, unrestricted: Container
) -> None:
    assert "GET /misc/ping" in unrestricted.logs()
    assert "GET /misc/ping" not in restricted.logs()


def test_pgadmin_has_the_programs_of_postgresql_17(restricted: Container) -> None:
    for program in ("psql", "pg_dump", "pg_dumpall", "pg_restore"):
        version = restricted.run(f"/usr/local/pgsql-17/{program}", "--version")
        assert " 17." in version


def test_pgadmin_keys_are_made_for_each_container(
    restricted: Container, unrestricted: Container, tmp_path: Path
) -> None:
    seen: list[str] = []
    for number, container in enumerate((restricted, unrestricted)):
        copy = tmp_path / f"{number}.db"
        docker("cp", f"{container.name}:/var/lib/pgadmin/pgadmin4.db", str(copy))
        with contextlib.closing(sqlite3.connect(copy)) as database:
            seen += [value for (value,) in database.execute("SELECT value FROM keys")]
    assert len(seen) == len(set(seen)) == 6


def test_pgadmin_keeps_users_and_servers_in_its_volume(
    engine: Engine,
    restricted: Container,
    pgadmin_image: str,
    folder: Path,
    volume: str,
) -> None:
    assert list(config(pgadmin_image)["Volumes"]) == ["/var/lib/pgadmin"]
    assert restricted.stop() < 15
    changed = [
        *("--env", f"PGADMIN_DEFAULT_EMAIL={EMAIL}", "--env", "PGADMIN_DEFAULT_PASSWORD=another"),
        *("--volume", f"{servers_file(folder, 'second', 'third')}:/pgadmin4/servers.json:ro"),
        *("--volume", f"{volume}:/var/lib/pgadmin", "--publish", "127.0.0.1::80"),
    ]
    again = ready(engine.start(pgadmin_image, *changed), 80)
    with Client(again.address(80)) as client:
        assert client.login(PASSWORD)  # the volume's, not the new one
        assert client.servers() == ["first"]
    again.stop()
    replace = ("--env", "PGADMIN_REPLACE_SERVERS_ON_STARTUP=True")
    replaced = ready(engine.start(pgadmin_image, *changed, *replace), 80)
    with Client(replaced.address(80)) as client:
        assert client.login(PASSWORD)
        assert client.servers() == ["second", "third"]


def test_pgadmin_survives_a_first_start_that_was_killed(
    engine: Engine, pgadmin_image: str, source: ImageSource
) -> None:
    if source == "registry":
        pytest.skip("a promise of the twin alone")
    options = (
        *(
            "--env",
            f"PGADMIN_DEFAULT_EMAIL={EMAIL}",
            "--env",
            f"PGADMIN_DEFAULT_PASSWORD={PASSWORD}",
        ),
        *("--volume", f"{engine.volume()}:/var/lib/pgadmin", "--publish", "127.0.0.1::80"),
    )
    killed = engine.start(pgadmin_image, *options)
    killed.wait_until(lambda: killed.succeeds("test", "-f", "/var/lib/pgadmin/pgadmin4.db"))
    docker("kill", killed.name)
    again = ready(engine.start(pgadmin_image, *options), 80)
    with Client(again.address(80)) as client:
        assert client.login(PASSWORD)
