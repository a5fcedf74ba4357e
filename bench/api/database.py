"""A PostgreSQL of the benchmark's own, and databases filled with an invented ontology."""

import asyncio
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg  # type: ignore[import-untyped]  # it has none
from sqlalchemy.engine import URL

from bench.api.ontology import ENTITY_COLUMNS, MODULE_COLUMNS, PROFILE_COLUMNS, Ontology
from bench.api.pinning import OTHERS, cores
from infra import versions
from infra.images import reference
from tests.app.support import address, alembic, sql
from tests.stack.stack_under_test import docker
from toolchain.console import UserError

_READY_SECONDS = 60
_PASSWORD = secrets.token_urlsafe(16)


@contextmanager
def server() -> Iterator[URL]:
    """Run PostgreSQL as the stack does, on a disk and as durable; yield its superuser's URL.

    It is reached at the container's own address, as the backend reaches it in the stack: a
    published port would lead through docker's proxy, a process more on these cores.
    """
    source = os.environ.get("IMAGE_SOURCE", "local")
    image = reference(versions.POSTGRES, "registry" if source == "registry" else "local")
    if not docker("image", "ls", "--quiet", image).strip():
        raise UserError(f"the image {image} is not on the engine", "make images")
    container = docker(
        *("run", "--detach", "--label", "ontology-hub.bench=1", "--shm-size", "256m"),
        *("--cpuset-cpus", ",".join(map(str, cores(OTHERS)))),
        *("--env", f"POSTGRES_PASSWORD={_PASSWORD}"),
        *("--env", "POSTGRES_INITDB_ARGS=--data-checksums", image),
    ).splitlines()[-1]
    try:
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        host = docker("inspect", "--format", template, container).strip()
        url = URL.create("postgresql", "postgres", _PASSWORD, host, 5432, "postgres")
        _wait(url, container)
        yield url
    finally:
        docker("rm", "--force", "--volumes", container)


def create(server: URL, name: str) -> URL:
    """Create a database and migrate it with Alembic; return its URL."""
    sql(server, f"CREATE DATABASE {name}")
    url = server.set(database=name)
    done = alembic(url, "upgrade", "head")
    if done.returncode != 0:
        raise UserError(f"alembic upgrade head: {done.stdout}{done.stderr}", "mend the migrations")
    return url


def fill(url: URL, ontology: Ontology) -> None:
    """Put the ontology into a migrated database: plain COPY, then statistics."""
    asyncio.run(_fill(url, ontology))


async def _fill(url: URL, ontology: Ontology) -> None:
    connection = await asyncpg.connect(address(url))
    try:
        # Building an index once is many times quicker than growing it row by row.
        indexes = await connection.fetch(
            "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition"
            " FROM pg_index WHERE indrelid = ANY ('{entities,modules,profiles}'::regclass[])"
            " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"
        )
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await _copy(connection, "entities", ENTITY_COLUMNS, ontology.entities())
        await _copy(connection, "modules", MODULE_COLUMNS, iter(ontology.modules))
        await _copy(connection, "profiles", PROFILE_COLUMNS, iter(ontology.profiles))
        await connection.execute("SET maintenance_work_mem = '512MB'")
        for index in indexes:
            await connection.execute(index["definition"])
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")  # now, and not while something is measured
    finally:
        await connection.close()


async def _copy(
    connection: asyncpg.Connection, table: str, columns: tuple[str, ...], rows: Iterator[object]
) -> None:
    await connection.copy_records_to_table(table, columns=columns, records=rows)


def _wait(url: URL, container: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            sql(url, "SELECT 1")
        except (OSError, asyncpg.PostgresError) as error:  # refused, or still starting up
            if time.monotonic() > deadline:
                raise UserError(
                    f"PostgreSQL is not ready after {_READY_SECONDS} s ({error}):\n"
                    + docker("logs", "--tail", "20", container),
                    "mend what it names",
                ) from None
            time.sleep(0.2)
        else:
            return
