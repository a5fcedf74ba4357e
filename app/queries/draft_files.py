"""The files of the source, as they were last imported."""

from collections.abc import Collection

from sqlalchemy import tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.drafts.items import Key
from app.models import SnapshotFile
from app.ontology.kinds import Kind

# So many files tell how a source is written; a source of one format has the same in each.
_SAMPLE = 50

File = tuple[str, str]


async def files_of(session: AsyncSession, keys: Collection[Key]) -> dict[Key, File]:
    """Return path and exact text of the current files of these items, where they have one."""
    file = SnapshotFile
    statement = select(col(file.kind), col(file.item_id), col(file.path), col(file.content)).where(
        col(file.removed_in).is_(None), tuple_(col(file.kind), col(file.item_id)).in_(keys)
    )
    rows = await session.exec(statement)
    return {(kind, item_id): (path, content) for kind, item_id, path, content in rows}


async def sample(session: AsyncSession, kind: Kind) -> list[File]:
    """Return path and exact text of some current files of one kind."""
    file = SnapshotFile
    statement = (
        select(col(file.path), col(file.content))
        .where(col(file.removed_in).is_(None), col(file.kind) == kind)
        .order_by(col(file.item_id))
        .limit(_SAMPLE)
    )
    return [(path, content) for path, content in await session.exec(statement)]
