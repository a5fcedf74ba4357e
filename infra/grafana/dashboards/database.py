"""The database dashboard: who is connected, what is slow, what grows, and what is in the way."""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.panels import THIRD, WHOLE, document, graph, number, rows, state
from infra.grafana.queries import over_time, sql
from infra.services import postgres, roles
from infra.settings import StackSettings

UID = "hub-database"
TITLE = "Hub: database"

RATE = "[$__rate_interval]"
HERE = f'{{datname="{postgres.DATABASE}"}}'

CLIENTS = "SELECT count(*) AS clients FROM pg_stat_activity WHERE backend_type = 'client backend'"

CACHE_HITS = """
SELECT sum(blks_hit) / nullif(sum(blks_hit + blks_read), 0) AS hits
FROM pg_stat_database WHERE datname = current_database()
"""

# Of whoever has no transaction open, xact_start is null; this very query has one.
LONGEST_TRANSACTION = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0) AS seconds
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""

# The part of each disk that is free.
FREE_DISK = (
    'min by (mountpoint) (node_filesystem_avail_bytes{job="disks"}'
    ' / node_filesystem_size_bytes{job="disks"})'
)

# Without the role that measures and dumps: its statements would be the first ones of an idle hub.
SLOW_STATEMENTS = f"""
SELECT rolname AS role, calls, mean_exec_time AS mean, max_exec_time AS longest,
    total_exec_time AS total, statement.rows AS rows,
    shared_blks_hit / nullif(shared_blks_hit + shared_blks_read, 0)::float8 AS cache_hits,
    left(regexp_replace(query, '\\s+', ' ', 'g'), 300) AS statement
FROM pg_stat_statements AS statement
JOIN pg_roles ON pg_roles.oid = userid
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND rolname <> '{roles.READ}'
ORDER BY total_exec_time DESC LIMIT 20
"""  # noqa: S608

SIZES = """
SELECT relname AS "table", n_live_tup AS rows, pg_table_size(relid) AS data,
    pg_indexes_size(relid) AS indexes, pg_total_relation_size(relid) AS total
FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC LIMIT 30
"""

# Room that VACUUM has not given back yet: many dead rows that stay are bloat.
DEAD_ROWS = """
SELECT relname AS "table", n_dead_tup AS dead,
    n_dead_tup / greatest(n_live_tup + n_dead_tup, 1)::float8 AS part,
    greatest(last_vacuum, last_autovacuum) AS vacuumed
FROM pg_stat_user_tables ORDER BY n_dead_tup DESC LIMIT 30
"""

# Waits of this very moment; the last row says that there is none.
WAITING = """
WITH waiting AS (
    SELECT pid, usename AS role, wait_event AS waits_for,
        array_to_string(pg_blocking_pids(pid), ', ') AS held_up_by,
        extract(epoch FROM clock_timestamp() - state_change) AS since,
        left(regexp_replace(query, '\\s+', ' ', 'g'), 200) AS statement
    FROM pg_stat_activity WHERE wait_event_type = 'Lock'
)
SELECT * FROM waiting
UNION ALL
SELECT NULL, 'nobody waits', NULL, NULL, NULL, NULL WHERE NOT EXISTS (SELECT FROM waiting)
"""

# The session that asks is among them, so that there is always a row.
TRANSACTIONS = """
SELECT pid, usename AS role, application_name AS program, state,
    extract(epoch FROM clock_timestamp() - xact_start) AS open_for,
    left(regexp_replace(query, '\\s+', ' ', 'g'), 200) AS statement
FROM pg_stat_activity WHERE xact_start IS NOT NULL AND backend_type = 'client backend'
ORDER BY xact_start LIMIT 20
"""

STATEMENT_UNITS = {
    "mean": units.Milliseconds,
    "longest": units.Milliseconds,
    "total": units.Milliseconds,
    "cache_hits": units.PercentUnit,
}
SIZE_UNITS = dict.fromkeys(("data", "indexes", "total"), units.BytesIEC)


def build(_settings: StackSettings) -> str:
    """Return the dashboard."""
    return document(
        UID,
        TITLE,
        "PostgreSQL: connections, statements, sizes and locks.",
        [*_numbers(), *_load(), *_statements(), *_tables(), *_locks()],
    )


def _numbers() -> Iterator[Sequence[Panel]]:
    yield (
        state(
            "Database",
            over_time('min(pg_up{job="postgres"})'),
            "Whether the exporter reaches it.",
        ),
        number("Connections", units.Short, sql(CLIENTS)),
        number(
            "At most",
            units.Short,
            sql("SELECT current_setting('max_connections')::int AS connections"),
            "The connections that the server allows.",
        ),
        number(
            "Cache hits",
            units.PercentUnit,
            sql(CACHE_HITS),
            "The part of the blocks that were in the server's memory when they were asked for.",
        ),
        number(
            "Size",
            units.BytesIEC,
            sql("SELECT pg_database_size(current_database()) AS bytes"),
        ),
        number("Longest transaction", units.Seconds, sql(LONGEST_TRANSACTION)),
    )


def _load() -> Iterator[Sequence[Panel]]:
    yield (
        graph(
            "Connections by state",
            units.Short,
            over_time(f"sum by (state) (pg_stat_activity_count{HERE})", "{{state}}"),
            size=THIRD,
        ),
        graph(
            "Transactions",
            units.OpsPerSecond,
            over_time(f"sum(rate(pg_stat_database_xact_commit{HERE}{RATE}))", "committed"),
            over_time(f"sum(rate(pg_stat_database_xact_rollback{HERE}{RATE}))", "rolled back"),
            size=THIRD,
        ),
        graph(
            "Blocks read",
            units.OpsPerSecond,
            over_time(f"sum(rate(pg_stat_database_blks_hit{HERE}{RATE}))", "from memory"),
            over_time(f"sum(rate(pg_stat_database_blks_read{HERE}{RATE}))", "from disk"),
            description="Blocks of 8 KiB. What the server reads from disk may still be in the "
            "machine's own cache.",
            size=THIRD,
        ),
    )
    yield (
        graph(
            "Rows written",
            units.OpsPerSecond,
            *(
                over_time(f"sum(rate(pg_stat_database_tup_{verb}{HERE}{RATE}))", verb)
                for verb in ("inserted", "updated", "deleted")
            ),
            size=THIRD,
        ),
        graph(
            "Size of the database",
            units.BytesIEC,
            over_time(f"max(pg_database_size_bytes{HERE})", "size"),
            size=THIRD,
        ),
        graph(
            "Free disk space",
            units.PercentUnit,
            over_time(FREE_DISK, "{{mountpoint}}"),
            description="Of the disks that hold the database and, where they are configured, "
            "the dumps. The alert comes at 15 %.",
            size=THIRD,
        ),
    )


def _statements() -> Iterator[Sequence[Panel]]:
    yield (
        rows(
            "Statements that take most time",
            sql(SLOW_STATEMENTS),
            "By total time since the statistics were last reset (pg_stat_statements); values in "
            "the statements are left out, and so is what measures or dumps.",
            STATEMENT_UNITS,
            WHOLE,
        ),
    )


def _tables() -> Iterator[Sequence[Panel]]:
    yield (
        rows("Size of tables", sql(SIZES), "Rows are PostgreSQL's own estimate.", SIZE_UNITS),
        rows(
            "Dead rows",
            sql(DEAD_ROWS),
            "Rows that were changed or deleted and still take room. Autovacuum frees it once "
            "about a fifth of a table is dead; more that stays is bloat.",
            {"part": units.PercentUnit},
        ),
    )


def _locks() -> Iterator[Sequence[Panel]]:
    yield (
        graph(
            "Locks",
            units.Short,
            over_time(f"sum by (mode) (pg_locks_count{HERE})", "{{mode}}"),
            size=THIRD,
        ),
        rows(
            "Who waits for a lock",
            sql(WAITING),
            "At this moment. `held_up_by` are the processes to look at.",
            {"since": units.Seconds},
            THIRD,
        ),
        rows(
            "Open transactions",
            sql(TRANSACTIONS),
            "The oldest first. The one that asks this is among them.",
            {"open_for": units.Seconds},
            THIRD,
        ),
    )
