"""One import: one transaction that brings the database to what a source says."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it has none

from app.config import Settings
from app.formats.positions import line_of_id, line_of_reference
from app.importer.archive import TarSource
from app.importer.folder import FolderSource
from app.importer.sources import ImportFailed, Source, shown
from app.importer.staging import Rows
from app.importer.summary import MAX_DETAILS, Problem, Summary
from app.ontology.kinds import Kind
from app.queries import imports as queries
from app.redaction import one_line

# Any number that no other program uses for an advisory lock in this database. Never change it: two
# versions of the code would no longer exclude each other.
LOCK = 0x6F68_696D_7074  # "ohimpt"

# From here on, guesses about the staging table's rows can make a plan slow.
ANALYZE_FROM = 2000

logger = logging.getLogger(__name__)


def open_source(path: Path) -> Source:
    """Return what stands at `path`, open; raises ImportFailed."""
    return TarSource(path) if path.is_file() else FolderSource(path)


async def import_source(
    settings: Settings,
    path: Path,
    *,
    commit_sha: str | None = None,
    name: str | None = None,
    tell: Callable[[str], None] = logger.info,
) -> Summary:
    """Bring the database to what the folder, git checkout or tarball at `path` says.

    `commit_sha` and `name` are used instead of those that the source gives. `tell` is called with
    a line for whoever waits. Raises ImportFailed; the database is then as it was. It reads files
    and parses them in the event loop: a server runs `python -m app.importer` instead.
    """
    source = open_source(path)
    try:
        async with _transaction(settings, tell) as connection:
            return await _import(connection, source, path, commit_sha, name)
    finally:
        source.close()


@asynccontextmanager
async def _transaction(
    settings: Settings, tell: Callable[[str], None]
) -> AsyncIterator[asyncpg.Connection]:
    url = settings.sqlalchemy_url
    where = f"the database {url.database} at {url.host}:{url.port}"
    try:
        connection = await settings.connect("ontology-hub import")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = one_line(error)
        raise ImportFailed(f"{where} cannot be reached as {url.username}: {reason}") from None
    try:
        async with connection.transaction():
            await connection.execute(queries.CREATE)
            if not await connection.fetchval(queries.TRY_LOCK, LOCK):
                tell(f"another import is running: waiting up to {queries.LOCK_SECONDS} s")
                await connection.fetchval(queries.LOCK, LOCK)
            yield connection
    except asyncpg.UndefinedTableError:
        raise ImportFailed(f"{where} is not migrated: run `alembic upgrade head` first") from None
    except asyncpg.LockNotAvailableError:
        seconds = queries.LOCK_SECONDS
        raise ImportFailed(f"another import has been running for more than {seconds} s") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ImportFailed(f"{where} has refused: {one_line(error)}") from error
    finally:
        await connection.close()


async def _import(
    connection: asyncpg.Connection,
    source: Source,
    path: Path,
    commit_sha: str | None,
    name: str | None,
) -> Summary:
    summary = Summary(skipped=source.skipped, notes=source.notes)
    rows = Rows(source, summary)
    await connection.copy_records_to_table("staged", records=rows, columns=queries.COLUMNS)
    summary.commit_sha = commit_sha or source.commit_sha
    summary.name = name or source.name
    summary.files_processed = rows.read + rows.unread
    if not rows.read:
        raise ImportFailed(_nothing_read(path, summary))
    if rows.read + rows.unread >= ANALYZE_FROM:
        await connection.execute(queries.ANALYZE)
    if rows.unread:
        await connection.execute(queries.KEEP_UNREAD)
    await _drop_duplicates(connection, summary)
    await _merge(connection, queries.MERGE_ENTITIES, summary)
    if rows.without_dependencies:
        await connection.execute(queries.DERIVE_DEPENDENCIES)
    await _merge(connection, queries.MERGE_MODULES, summary)
    await _merge(connection, queries.MERGE_PROFILES, summary)
    summary.snapshot = await connection.fetchval(
        queries.ADD_SNAPSHOT, summary.name, summary.commit_sha
    )
    if summary.snapshot is not None:
        await connection.execute(queries.CLOSE_FILES, summary.snapshot)
        await connection.execute(queries.OPEN_FILES, summary.snapshot)
    await _find_dangling(connection, summary)
    return summary


def _nothing_read(path: Path, summary: Summary) -> str:
    nothing = f"{shown(path)} holds no definition, module or profile that can be read"
    errors = summary.errors
    return (
        f"{nothing}; the first of {errors.count} errors: {errors.details[0]}"
        if errors.count
        else nothing
    )


async def _drop_duplicates(connection: asyncpg.Connection, summary: Summary) -> None:
    rows = await connection.fetch(queries.DROP_DUPLICATES, MAX_DETAILS)
    for row in rows:
        line = line_of_id(row["path"], row["content"])
        reason = f"{row['first']} has the same id, {row['item_id']}"
        summary.errors.add(Problem(row["path"], line, reason))
    summary.errors.count += (rows[0]["total"] if rows else 0) - len(rows)


async def _merge(connection: asyncpg.Connection, statement: str, summary: Summary) -> None:
    for kind, action, count in await connection.fetch(statement, summary.commit_sha):
        summary.counts[Kind(kind)][action] += count


async def _find_dangling(connection: asyncpg.Connection, summary: Summary) -> None:
    rows = await connection.fetch(queries.FIND_DANGLING, MAX_DETAILS)
    for row in rows:
        line = line_of_reference(row["path"], row["content"], row["target"])
        reason = f"it names the {row['kind']} {row['target']}, which does not exist"
        summary.warnings.add(Problem(row["path"], line, reason))
    summary.warnings.count += (rows[0]["total"] if rows else 0) - len(rows)
