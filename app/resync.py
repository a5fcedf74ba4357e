"""Reading the configured source again: one import at a time, for all who ask."""

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, Field

logger = logging.getLogger(__name__)

# The folder of the package `app`: where it was found need not be where the process was started.
_ROOT = Path(__file__).parents[1]

# In seconds; the import's transaction is rolled back whichever way it ends.
_END_WITHIN = 5.0

# Where all files are wrong in the same way, the first of them tell it.
_MOST_FAULTS = 20


class ImportFailed(RuntimeError):
    """The import has changed nothing; the text is one sentence that says why."""


class ImportSummary(BaseModel):
    """What an import has found in the source, changed or not."""

    commit_sha: str | None = Field(description="The source's commit, where it has one")
    entities_synced: int
    modules_synced: int
    profiles_synced: int
    files_processed: int
    errors: int = Field(description="Files that could not be read, and were left out")


class _Report(ImportSummary):
    # What is wrong with which files: for the log.
    error_details: list[dict[str, str | int | None]] = []


class Resync:
    """Runs the importer on the source, in a process of its own.

    Its own: parsing would hold up the requests, and the import ends whole or not at all whatever
    becomes of the request that asked for it.
    """

    def __init__(self, source: Path) -> None:
        self._source = source.absolute()
        self._turn = asyncio.Lock()
        self._waiting: asyncio.Task[ImportSummary] | None = None
        # asyncio itself keeps no task alive.
        self._tasks: set[asyncio.Task[ImportSummary]] = set()

    def start(self) -> "asyncio.Task[ImportSummary]":
        """Return the import that reads the source as it is now or later.

        While one runs, all who ask get the same next one: it may have read already what they want
        to see read. Raises (the task) ImportFailed. Its result is logged.
        """
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._wait_and_run())
            self._tasks.add(self._waiting)
            self._waiting.add_done_callback(self._ended)
        return self._waiting

    async def close(self) -> None:
        """End what runs and drop what waits."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_and_run(self) -> ImportSummary:
        async with self._turn:
            self._waiting = None
            report = await _run(self._source)
        for fault in report.error_details[:_MOST_FAULTS]:
            logger.warning("a file of the ontology's source could not be read", extra=fault)
        return ImportSummary.model_validate(report.model_dump())

    def _ended(self, task: "asyncio.Task[ImportSummary]") -> None:
        self._tasks.discard(task)
        if task is self._waiting:  # cancelled before its turn
            self._waiting = None
        if task.cancelled():
            logger.warning("the import of the ontology's source was ended: the service stops")
        elif error := task.exception():
            known = isinstance(error, ImportFailed)
            logger.error(
                "the ontology's source could not be imported",
                extra={"reason": str(error)} if known else None,
                exc_info=None if known else error,
            )
        else:
            logger.info("the ontology's source was imported", extra=task.result().model_dump())


async def _run(source: Path) -> _Report:
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.importer", str(source)),
        env={**os.environ, "PYTHONPATH": path},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        out, err = await process.communicate()
    except BaseException:
        await _end(process)
        raise
    last = _last_event(out)
    if process.returncode == 0:
        return _Report.model_validate(last["summary"])
    if last.get("level") == "ERROR":
        raise ImportFailed(last["message"])
    # A fault of its own: whoever reads the log needs all of it.
    text = last.get("exception") or err.decode(errors="replace").strip()
    raise RuntimeError(f"the importer ended with {process.returncode}: {text}")


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _END_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()


def _last_event(log: bytes) -> dict[str, Any]:
    lines = log.strip().splitlines()
    event: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return event


async def get_resync(request: Request) -> Resync | None:
    """Return what reads the source again; None where no source is configured."""
    resync: Resync | None = request.app.state.resync
    return resync


ResyncDep = Annotated[Resync | None, Depends(get_resync)]
