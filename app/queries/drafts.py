"""Drafts: found by the hash of their token alone, and only while they live.

The database's clock decides when a draft is over: every worker and replica has the same one.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.models import Draft, DraftStatus

# Any number that no other program uses for an advisory lock in this database.
_SWEEP_LOCK = 0x6F68_7377_6570  # "ohswep"


async def add(
    session: AsyncSession, capability_hash: str, lifetime: timedelta, columns: dict[str, Any]
) -> datetime:
    """Store a new draft with these further columns; return when it expires."""
    statement = (
        insert(Draft)
        .values(capability_hash=capability_hash, expires_at=func.now() + lifetime, **columns)
        .returning(col(Draft.expires_at))
    )
    expires_at: datetime = (await session.exec(statement)).scalar_one()
    return expires_at


async def find(session: AsyncSession, capability_hash: str, *, lock: bool = False) -> Draft | None:
    """Return the draft of this token's hash; None if there is none, or it is over.

    `lock` holds the row until the transaction ends, so that two changes at once follow one another.
    """
    statement = select(Draft).where(
        col(Draft.capability_hash) == capability_hash,
        col(Draft.expires_at) > func.now(),
        col(Draft.status) != DraftStatus.EXPIRED,
        col(Draft.deleted_at).is_(None),
    )
    if lock:
        statement = statement.with_for_update()
    return (await session.exec(statement)).one_or_none()


async def expire(session: AsyncSession) -> int | None:
    """Mark the drafts that are over as expired and wipe what their clients gave.

    Return how many there were; None where another worker is at it. What is left of a draft is its
    id, its hash, its times and where it was submitted to: enough to count by.
    """
    lock = select(func.pg_try_advisory_xact_lock(_SWEEP_LOCK))
    if not (await session.exec(lock)).one():
        return None
    statement = (
        update(Draft)
        .where(col(Draft.expires_at) <= func.now(), col(Draft.status) != DraftStatus.EXPIRED)
        .values(
            status=DraftStatus.EXPIRED,
            payload={},
            source_wiki=None,
            base_commit_sha=None,
            diff_preview=None,
            validation_results=None,
        )
        .execution_options(synchronize_session=False)
    )
    return (await session.exec(statement)).rowcount
