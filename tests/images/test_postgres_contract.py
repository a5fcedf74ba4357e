"""The rows of images/README.md about postgres, one test each."""

import gzip
from pathlib import Path

import pytest

from tests.images.containers import POSTURE, Container, Engine, config, docker, secret

PASSWORD = "p%40ss'w\"ord $x"  # of a throw-away container; the characters matter
HEALTH = ("pg_isready", "--quiet", "--host=127.0.0.1")


def start(engine: Engine, image: str, *options: str, command: tuple[str, ...] = ()) -> Container:
    """Start a server with a password and wait until it takes connections over TCP."""
    container = engine.start(
        image, "--env", f"POSTGRES_PASSWORD={PASSWORD}", *options, command=command
    )
    container.wait_until(lambda: container.succeeds(*HEALTH))
    return container


def sql(container: Container, query: str, user: str = "postgres", database: str = "") -> str:
    """Return the answer to a query over the socket, where no password is asked for."""
    database = database or user
    return container.run("psql", "-XAtU", user, "-d", database, "-c", query).strip()


@pytest.fixture(scope="module")
def plain(shared_engine: Engine, postgres_image: str) -> Container:
    return start(shared_engine, postgres_image)


def test_postgres_is_major_version_17(plain: Container) -> None:
    assert sql(plain, "SHOW server_version_num").startswith("17")


def test_postgres_refuses_to_start_without_a_password(engine: Engine, postgres_image: str) -> None:
    container = engine.start(postgres_image)
    assert container.wait_exit() == 1
    assert "POSTGRES_PASSWORD" in container.logs()


def test_postgres_variables_name_the_superuser_its_password_and_the_database(
    engine: Engine, postgres_image: str
) -> None:
    network = engine.network()
    server = start(
        engine,
        postgres_image,
        *("--env", "POSTGRES_USER=Owner", "--env", "POSTGRES_DB=hub-1"),
        *("--network", network, "--network-alias", "db"),
    )
    who = "SELECT rolsuper, current_database() FROM pg_roles WHERE rolname = current_user"
    assert sql(server, who, user="Owner", database="hub-1") == "t|hub-1"

    def from_outside(password: str) -> int:
        client = engine.start(
            postgres_image,
            *("--network", network, "--env", f"PGPASSWORD={password}"),
            command=("psql", "-h", "db", "-U", "Owner", "-d", "hub-1", "-c", "SELECT 1"),
        )
        return client.wait_exit()

    assert from_outside(PASSWORD) == 0
    assert from_outside("wrong") != 0


def test_postgres_reads_each_variable_from_its_file(
    engine: Engine, postgres_image: str, tmp_path: Path
) -> None:
    options = [*POSTURE, "--user", "999:999"]
    values = {
        "POSTGRES_USER": "owner",
        "POSTGRES_PASSWORD": PASSWORD,
        "POSTGRES_DB": "hub",
        "POSTGRES_INITDB_ARGS": "--data-checksums",
    }
    for name, value in values.items():
        file = secret(tmp_path, name, f"{value}\n", uid=999)
        options += ["--env", f"{name}_FILE=/run/secrets/{name}"]
        options += ["--volume", f"{file}:/run/secrets/{name}:ro"]
    server = engine.start(postgres_image, *options)
    server.wait_until(lambda: server.succeeds(*HEALTH, "--username=owner"))
    assert sql(server, "SHOW data_checksums", user="owner", database="hub") == "on"
    address = server.run("hostname", "-i").split()[0]
    connection = f"postgresql://owner@{address}/hub"
    login = ("env", f"PGPASSWORD={PASSWORD}", "psql", "-XAtc", "SELECT 1", connection)
    assert server.run(*login).strip() == "1"
    assert PASSWORD not in docker("inspect", server.name)


def test_postgres_refuses_a_variable_given_both_ways(
    engine: Engine, postgres_image: str, tmp_path: Path
) -> None:
    file = secret(tmp_path, "password", PASSWORD, uid=999)
    container = engine.start(
        postgres_image,
        *("--env", "POSTGRES_PASSWORD=x", "--env", "POSTGRES_PASSWORD_FILE=/run/secrets/password"),
        *("--volume", f"{file}:/run/secrets/password:ro"),
    )
    assert container.wait_exit() == 1
    assert "POSTGRES_PASSWORD_FILE" in container.logs()


def test_postgres_initdb_args_may_be_several(engine: Engine, postgres_image: str) -> None:
    arguments = "--data-checksums --wal-segsize=1 --encoding='SQL_ASCII' --locale=C"
    server = start(engine, postgres_image, "--env", f"POSTGRES_INITDB_ARGS={arguments}")
    shown = [
        sql(server, f"SHOW {setting}")
        for setting in ("data_checksums", "wal_segment_size", "server_encoding")
    ]
    assert shown == ["on", "1MB", "SQL_ASCII"]


def test_postgres_trusts_its_own_socket_and_asks_hosts_for_scram(plain: Container) -> None:
    rules = sql(plain, "SELECT type, address, auth_method FROM pg_hba_file_rules").splitlines()
    assert "local||trust" in rules
    assert "host|127.0.0.1|trust" in rules
    assert rules[-1] == "host|all|scram-sha-256"


def test_postgres_runs_init_files_once_in_order_of_name(
    engine: Engine, postgres_image: str, tmp_path: Path
) -> None:
    volume = engine.volume()
    files = tmp_path / "init"
    files.mkdir()
    (files / "1.sql").write_text("CREATE TABLE seen (file text, listens text);")
    (files / "2.sql.gz").write_bytes(gzip.compress(b"INSERT INTO seen VALUES ('2');"))
    insert = "INSERT INTO seen VALUES ('{}', current_setting('listen_addresses'))"
    for name, mode in (("3.sh", 0o755), ("4.sh", 0o644)):
        script = f'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "{insert.format(name[0])}"'
        (files / name).write_text(f"#!/bin/bash\n{script}\n")
        (files / name).chmod(mode)
    (files / "5.txt").write_text("not for the database")
    options = (
        *("--env", "POSTGRES_DB=hub", "--volume", f"{files}:/docker-entrypoint-initdb.d:ro"),
        *("--volume", f"{volume}:/var/lib/postgresql/data"),
    )
    first = start(engine, postgres_image, *options)
    query = "SELECT string_agg(file, '' ORDER BY file), max(listens) FROM seen"
    # An empty list of addresses: no client outside saw the server before it was finished.
    assert sql(first, query, database="hub") == "234|"
    assert "ignoring /docker-entrypoint-initdb.d/5.txt" in first.logs()
    first.stop()
    second = start(engine, postgres_image, *options)
    assert "Skipping initialization" in second.logs()
    assert sql(second, query, database="hub") == "234|"


def test_postgres_ends_when_an_init_file_fails(
    engine: Engine, postgres_image: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "1.sql").write_text("SELECT 1; SELECT nonsense; SELECT 2;")
    container = engine.start(
        postgres_image,
        *("--env", "POSTGRES_PASSWORD=x"),
        *("--volume", f"{tmp_path}:/docker-entrypoint-initdb.d:ro"),
    )
    assert container.wait_exit() != 0
    assert 'column "nonsense" does not exist' in container.logs()


def test_postgres_ends_when_it_cannot_read_the_init_folder(
    engine: Engine, postgres_image: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)  # root's alone
    container = engine.start(
        postgres_image,
        *("--env", "POSTGRES_PASSWORD=x"),
        *("--volume", f"{tmp_path}:/docker-entrypoint-initdb.d:ro"),
    )
    assert container.wait_exit() != 0
    assert "/docker-entrypoint-initdb.d" in container.logs()


def test_postgres_started_as_root_takes_over_the_data_and_drops_to_999(
    engine: Engine, postgres_image: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()  # root's
    server = start(engine, postgres_image, "--volume", f"{data}:/var/lib/postgresql/data")
    assert server.run("stat", "-c", "%u:%g", "/proc/1").strip() == "999:999"
    assert (data.stat().st_uid, data.stat().st_gid) == (999, 999)
    assert data.stat().st_mode & 0o777 == 0o700
    server.stop()


def test_postgres_runs_as_999_without_any_capability(
    engine: Engine, postgres_image: str, tmp_path: Path
) -> None:
    file = secret(tmp_path, "password", PASSWORD, uid=999)
    server = engine.start(
        postgres_image,
        *(*POSTURE, "--user", "999:999"),
        *("--env", "POSTGRES_PASSWORD_FILE=/run/secrets/password"),
        *("--volume", f"{file}:/run/secrets/password:ro"),
        *("--volume", f"{engine.volume()}:/var/lib/postgresql/data"),
        *("--volume", f"{engine.volume()}:/var/run/postgresql"),
    )
    server.wait_until(lambda: server.succeeds(*HEALTH))
    assert sql(server, "SELECT 1") == "1"


def test_postgres_keeps_its_data_in_a_volume_at_pgdata(
    plain: Container, postgres_image: str
) -> None:
    settings = config(postgres_image)
    assert "PGDATA=/var/lib/postgresql/data" in settings["Env"]
    assert list(settings["Volumes"]) == ["/var/lib/postgresql/data"]
    assert sql(plain, "SHOW data_directory") == "/var/lib/postgresql/data"
    assert plain.run("stat", "-c", "%a", "/var/lib/postgresql/data").strip() == "700"


def test_postgres_listens_on_every_address_at_5432(plain: Container, postgres_image: str) -> None:
    assert list(config(postgres_image)["ExposedPorts"]) == ["5432/tcp"]
    assert sql(plain, "SHOW listen_addresses") == "*"


def test_postgres_stops_fast_and_clean_on_the_stop_signal(
    engine: Engine, postgres_image: str
) -> None:
    server = start(engine, postgres_image)
    # A client that stays: a smart shutdown would wait for it until the kill.
    docker("exec", "--detach", server.name, "psql", "-U", "postgres", "-c", "SELECT pg_sleep(60)")
    assert config(postgres_image)["StopSignal"] == "SIGINT"
    assert server.stop() < 10
    assert "received fast shutdown request" in server.logs()
    assert "database system is shut down" in server.logs()
    assert server.wait_exit() == 0


def test_postgres_socket_folder_is_open_to_every_uid(plain: Container) -> None:
    folder = plain.run("stat", "-c", "%a %U:%G", "/var/run/postgresql").strip()
    assert folder == "3777 postgres:postgres"
    assert plain.succeeds("test", "-S", "/var/run/postgresql/.s.PGSQL.5432")


def test_postgres_programs_are_on_path(plain: Container) -> None:
    for program in ("postgres", "initdb", "pg_ctl", "psql", "pg_dump", "pg_restore", "pg_isready"):
        assert " 17." in f" {plain.run(program, '--version').split()[2]}"


def test_postgres_passes_arguments_to_the_server(engine: Engine, postgres_image: str) -> None:
    server = start(
        engine, postgres_image, command=("postgres", "-c", "max_connections=17", "-c", "jit=off")
    )
    assert [sql(server, "SHOW max_connections"), sql(server, "SHOW jit")] == ["17", "off"]
    other = engine.start(postgres_image, command=("bash", "-c", "echo other; id -u"))
    other.wait_exit()
    assert other.logs().split() == ["other", "0"]


def test_postgres_databases_are_utf8_in_en_us(plain: Container) -> None:
    query = (
        "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = $${}$$"
    )
    assert sql(plain, query.format("postgres")) == "UTF8|en_US.utf8"


def test_postgres_health_check_is_true_only_when_it_is_finished(plain: Container) -> None:
    assert plain.succeeds(*HEALTH)
    # While the data folder is filled, the temporary server answers on the socket alone.
    lines = plain.logs().splitlines()
    done = next(i for i, line in enumerate(lines) if "init process complete" in line)
    assert not any("IPv4 address" in line for line in lines[:done])
    assert any("IPv4 address" in line for line in lines[done:])
