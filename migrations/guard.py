"""What stands between a migration and a database it must not touch now, or at all."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

logger = logging.getLogger("alembic.guard")

# Any number that no other program uses for an advisory lock in this database. Never change it: two
# versions of the code would no longer exclude each other.
LOCK = 0x6F68_6D69_6772  # "ohmigr"


@contextmanager
def exclusively(connection: Connection, limit: float) -> Iterator[None]:
    """Hold the lock that lets one migration at a time run; wait for it at most `limit` seconds.

    The lock is the session's, not a transaction's, so that it outlives the migrations' commits; it
    ends with the connection in any case, also when this process is killed.
    """
    if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
        logger.info("another migration is running on this database: waiting up to %g s", limit)
        _wait(connection, limit)
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()  # after a failed migration; nothing is open after a good one
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
        connection.commit()


def _wait(connection: Connection, limit: float) -> None:
    # lock_timeout counts for advisory locks too; SET LOCAL ends with the caller's commit.
    connection.execute(text(f"SET LOCAL lock_timeout = {int(limit * 1000)}"))
    try:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
    except (DBAPIError, TimeoutError) as error:
        raise CommandError(
            f"another migration has held this database for more than {limit:g} s; nothing was"
            " changed. Run this again when it has ended. If it hangs, pg_stat_activity shows it"
            " under the application name 'ontology-hub migrations'."
        ) from error


def refuse_unknown_revisions(migration: MigrationContext, scripts: ScriptDirectory) -> None:
    """Raise CommandError if the database was migrated by a newer version of this code."""
    known = {revision.revision for revision in scripts.walk_revisions()}
    unknown = sorted(set(migration.get_current_heads()) - known)
    if unknown:
        raise CommandError(
            f"the database is at revision {', '.join(unknown)}, which this version of the code"
            " does not know: it was migrated by a newer one. Nothing was changed. Deploy that"
            " newer version, or first take the database back with it (alembic downgrade"
            f" {', '.join(scripts.get_heads())})."
        )


def keep_for_migrations(connection: Connection) -> None:
    """Leave Alembic's own table to its owner: others may read the revision and no more.

    Rights that are given by default on each new table have come to this one too.
    """
    given = connection.execute(
        text(
            "SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,"
            " string_agg(privilege_type, ', ') FROM pg_class, aclexplode(relacl)"
            " WHERE pg_class.oid = to_regclass('alembic_version') AND grantee <> relowner"
            " AND privilege_type <> 'SELECT' GROUP BY grantee"
        )
    )
    for grantee, privileges in given.all():
        connection.execute(text(f"REVOKE {privileges} ON alembic_version FROM {grantee}"))
    connection.commit()
