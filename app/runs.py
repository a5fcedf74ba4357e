"""Runs of jobs are kept in the table `job_runs`, also those that have failed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from app.config import Settings
from app.models import Job
from app.queries import runs
from app.redaction import one_line

# Seconds for all of it, and for a lock on the table: a migration that is run by hand may hold one.
_WITHIN = 5.0
_LOCK_TIMEOUT = "2s"

_LONGEST_MESSAGE = 1000


@asynccontextmanager
async def kept(settings: Settings, job: Job) -> AsyncIterator[dict[str, Any]]:
    """Keep how the block ends, as a run of `job`; yields the summary, for the block to fill.

    On a connection of its own, so that the row stays where the job's own work is rolled back. What
    the block raises is raised on, whatever becomes of the row.
    """
    began = time.monotonic()
    summary: dict[str, Any] = {}
    try:
        yield summary
    except Exception as error:
        await _add(settings, job, time.monotonic() - began, one_line(error)[:_LONGEST_MESSAGE], {})
        raise
    await _add(settings, job, time.monotonic() - began, None, summary)


async def _add(
    settings: Settings, job: Job, seconds: float, message: str | None, summary: dict[str, Any]
) -> None:
    # Silently not, whatever the reason: before the first migration there is no table, the database
    # may be out, and the job's own end, its error and its log's last line are what counts.
    with suppress(Exception):
        async with asyncio.timeout(_WITHIN):
            connection = await settings.connect(
                "ontology-hub runs", server_settings={"lock_timeout": _LOCK_TIMEOUT}
            )
            try:
                await connection.execute(runs.ADD, job, seconds, message, json.dumps(summary))
            finally:
                connection.terminate()
