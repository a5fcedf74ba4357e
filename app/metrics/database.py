"""The database as this process sees it, and what stands in it: asked at each scrape."""

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api.health import DatabaseProbe
from app.config import Settings
from app.database import Reader
from app.database_errors import DATABASE_ERRORS, unavailable
from app.importer.summary import ACTIONS
from app.models import DraftStatus
from app.ontology.kinds import Kind
from app.queries import metrics as queries

logger = logging.getLogger(__name__)

# Not `job`, which Prometheus sets on every series to the name of what it scrapes.
_ROLE = "role"

# Seconds that the database has, and that a scrape waits for a busy event loop on top of that:
# Prometheus gives up after ten.
_DATABASE_WITHIN = 1.9
_LOOP_WITHIN = 1.0


@dataclass(frozen=True)
class _Pool:
    """How many connections of a pool are lent out, and how many wait to be."""

    in_use: int
    idle: int
    most: int


@dataclass(frozen=True)
class _Seen:
    """What one scrape has found; `holdings` is None where the database did not tell in time."""

    pools: dict[str, _Pool]
    up: bool
    holdings: dict[str, Any] | None


class DatabaseMetrics(Collector):
    """Collects them in the scrape's thread, by asking the event loop, whose pools these are."""

    def __init__(
        self,
        settings: Settings,
        engine: AsyncEngine,
        pool: asyncpg.Pool,
        reader: Reader,
        probe: DatabaseProbe,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._most_writing = settings.database_pool_size + settings.database_max_overflow
        self._engine = engine
        self._pool = pool
        self._reader = reader
        self._probe = probe
        self._question: asyncio.Task[dict[str, Any] | None] | None = None
        self._refused = False

    def describe(self) -> Iterable[Metric]:
        """Name nothing: else registering would collect, and wait for the loop that registers."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Ask; yields nothing where the event loop itself is stuck."""
        asked = asyncio.run_coroutine_threadsafe(self._look(), self._loop)
        try:
            seen = asked.result(_DATABASE_WITHIN + _LOOP_WITHIN)
        except (TimeoutError, CancelledError):
            asked.cancel()
            return
        yield from _of_pools(seen.pools)
        yield _gauge("hub_database_up", "Whether the database answers this process.", seen.up)
        if seen.holdings is not None:
            yield from _of_holdings(seen.holdings)

    def close(self) -> None:
        """Give up what is being asked, or the pool would wait for it at its own end."""
        if self._question is not None:
            self._question.cancel()

    async def _look(self) -> _Seen:
        if self._question is None or self._question.done():
            # Asked anew only when the last one has ended: a database that has fallen silent holds
            # one connection of the readers', not one more with each scrape.
            self._question = asyncio.create_task(self._ask())
        question, probe = self._question, asyncio.create_task(self._probe.connected())
        await asyncio.wait({question, probe}, timeout=_DATABASE_WITHIN)
        up = probe.done() and probe.result()
        told = up and question.done() and not question.cancelled()
        return _Seen(self._pools(), up, question.result() if told else None)

    async def _ask(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(await self._reader.value(queries.HOLDINGS))
        except DATABASE_ERRORS as error:
            # That it is out the probe logs; once, and not at each scrape.
            if not self._refused and not unavailable(error):
                logger.warning("no metrics of what the hub holds", extra={"reason": str(error)})
                self._refused = True
            return None
        self._refused = False
        return found

    def _pools(self) -> dict[str, _Pool]:
        write, idle = self._engine.pool, self._pool.get_idle_size()
        assert isinstance(write, QueuePool)  # noqa: S101  # what an engine has if not told otherwise
        return {
            "write": _Pool(write.checkedout(), write.checkedin(), self._most_writing),
            "read": _Pool(self._pool.get_size() - idle, idle, self._pool.get_max_size()),
        }


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def _gauges(
    name: str, says: str, labels: Sequence[str], values: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(name, says, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def _of_pools(pools: dict[str, _Pool]) -> Iterator[Metric]:
    yield _gauges(
        "hub_database_connections",
        "Connections of this process to the database.",
        ("pool", "state"),
        (
            ((name, state), count)
            for name, pool in pools.items()
            for state, count in (("in_use", pool.in_use), ("idle", pool.idle))
        ),
    )
    yield _gauges(
        "hub_database_connections_max",
        "The most connections that this process opens.",
        ("pool",),
        (((name,), pool.most) for name, pool in pools.items()),
    )


def _of_holdings(found: dict[str, Any]) -> Iterator[Metric]:
    drafts, runs, last_import = found["drafts"], found["last_runs"], found["last_import"]
    yield _gauges(
        "hub_drafts",
        "Drafts, by their status.",
        ("status",),
        (((status,), drafts.get(status, 0)) for status in DraftStatus),
    )
    yield _gauges(
        "hub_job_last_run_timestamp_seconds",
        "When the job's last run ended, in seconds since 1970.",
        (_ROLE,),
        (((job,), run["ended_at"]) for job, run in runs.items()),
    )
    yield _gauges(
        "hub_job_last_run_failed",
        "Whether the job's last run failed.",
        (_ROLE,),
        (((job,), run["failed"]) for job, run in runs.items()),
    )
    if last_import is not None:
        items = last_import["items"]
        yield _gauges(
            "hub_import_items",
            "What the last import that succeeded did, by kind of item.",
            ("kind", "action"),
            (((kind, action), items[kind][action]) for kind in Kind for action in ACTIONS),
        )
        yield _gauge(
            "hub_import_files_failed",
            "Files that the last import that succeeded could not read, and left out.",
            last_import["files_failed"],
        )
