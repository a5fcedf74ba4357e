"""The periodic end of drafts whose time is over.

Every worker sweeps, and the database lets one at a time: what is due is in the rows, so nothing is
lost with a worker that dies, and nothing is done twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from app.conduct import windows
from app.conduct.policies import Limits
from app.database import async_session_maker
from app.queries import drafts

_log = logging.getLogger(__name__)


@asynccontextmanager
async def sweeping(interval: float, limits: Limits) -> AsyncIterator[None]:
    """Sweep every `interval` seconds, until the block ends; for the first time after one."""
    task = asyncio.create_task(_sweep_for_ever(interval, limits))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _sweep_for_ever(interval: float, limits: Limits) -> None:
    while True:
        await asyncio.sleep(interval)
        try:
            await _sweep(limits)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            # The database is away: the next sweep finds all that this one left.
            _log.warning("sweep failed", extra={"error": type(error).__name__})
        except Exception:
            _log.exception("sweep failed")  # and again after the interval: it must not stay away


async def _sweep(limits: Limits) -> None:
    async with async_session_maker() as session, session.begin():
        expired = await drafts.expire(session)
        if expired is None:
            return
        await windows.forget(session, limits)
    if expired:
        _log.info("drafts expired", extra={"count": expired})
