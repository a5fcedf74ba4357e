"""Alembic's entry: `alembic upgrade head`, with a database or, with --sql, without one."""

import asyncio
import logging
from collections import Counter
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.util import CommandError
from sqlalchemy import Connection, pool
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from app import runs
from app.config import get_settings
from app.engine import make_engine
from app.logs import RESULT, configure_logging
from app.models import Job  # and with it all tables, which fills SQLModel.metadata
from app.redaction import without_values
from migrations.guard import exclusively, keep_for_migrations, refuse_unknown_revisions

config = context.config
# These change nothing, so they wait for no other migration.
READ_ONLY = {"check", "current", "revision"}
# How many migrations this run has applied.
done = Counter(migrations=0)


def command() -> str | None:
    """Return the name of the command line's command; None where Alembic is called by a program."""
    options = getattr(config.cmd_opts, "cmd", None)
    return options[0].__name__ if options else None


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write sqlmodel's own types into migrations as what they are in the database.

    Alembic's default names them by a module that the migration does not import.
    """
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        length = getattr(item.impl, "length", None)
        return f"sa.String(length={length})" if length else "sa.String()"
    return False


def configure(**options: Any) -> None:
    """Configure Alembic the same way with and without a database."""
    context.configure(
        target_metadata=SQLModel.metadata,
        render_item=render_item,
        compare_type=True,
        compare_server_default=True,
        # Each migration's own transaction ends its SET LOCAL, and lets the next one use a label
        # that this one has added to an enum.
        transaction_per_migration=True,
        on_version_apply=count,
        **options,
    )


def count(*_: object, **__: object) -> None:
    """Note that a migration was applied; called by Alembic."""
    done["migrations"] += 1


def run(connection: Connection) -> None:
    """Run the command's migrations on this connection."""
    configure(connection=connection)
    if command() != "stamp":  # `alembic stamp` is how a wrong revision is put right
        refuse_unknown_revisions(context.get_context(), context.script)
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()
    if command() == "upgrade":
        keep_for_migrations(connection)
        heads = ",".join(context.get_context().get_current_heads())
        logging.getLogger(RESULT).info("migrated", extra={"revision": heads})


def run_alone(connection: Connection) -> None:
    """Run the command's migrations while no other process runs any on this database."""
    with exclusively(connection, get_settings().migration_lock_timeout):
        run(connection)


async def run_online() -> None:
    """Connect to the settings' database and run there."""
    settings = get_settings()
    engine = make_engine(
        settings,
        application="ontology-hub migrations",
        command_timeout=None,  # building an index may take its time
        poolclass=pool.NullPool,
    )
    connection = engine.connect()
    try:
        await connection.start()
    except (OSError, SQLAlchemyError) as error:
        url = settings.sqlalchemy_url
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise CommandError(
            f"the database {url.database} at {url.host}:{url.port} cannot be reached as"
            f" {url.username}: {reason}"
        ) from None
    try:
        if command() == "upgrade":
            async with runs.kept(settings, Job.MIGRATIONS) as summary:
                await run_command(connection)
                summary |= done
        else:
            await run_command(connection)
    finally:
        await connection.close()


async def run_command(connection: AsyncConnection) -> None:
    """Run the command on this connection; raises CommandError where the database refuses."""
    try:
        await connection.run_sync(run if command() in READ_ONLY else run_alone)
    except DBAPIError as error:
        # A migration is one transaction: what it had done by then is undone.
        reason = without_values(str(error.orig))
        raise CommandError(f"the database refused: {reason}\n{error.statement}") from error


def configure_logs() -> None:
    """Log as the app does; without a database there need be no settings either."""
    level = "INFO" if context.is_offline_mode() else get_settings().log_level
    # Other commands print on standard output what they were asked for.
    upgrading = command() == "upgrade" and not context.is_offline_mode()
    configure_logging(level, "stdout" if upgrading else "stderr")
    # Unless it is told to be quiet (a job is), Alembic also prints an error as "FAILED: ...".
    quiet = getattr(config.cmd_opts, "quiet", False)
    logging.getLogger("alembic.util.messaging").disabled = not quiet


configure_logs()
if context.is_offline_mode():
    configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(run_online())
