"""The files of the source, as they were last imported."""

from collections.abc import Collection

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.drafts.items import Key
from app.models import SnapshotFile
from app.ontology.kinds import Kind

# So many files tell how a source is written; a source of one format has the same in each.
_SAMPLE = 50

File = tuple[str, str]


# Joined, not compared with a list of pairs, which PostgreSQL reads as an OR of as many ANDs: from a
# few thousand on they exceed its stack.
_CURRENT = text("""
SELECT file.kind::text, file.item_id, file.path, file.content
FROM unnest(CAST(:kinds AS sourcekind[]), CAST(:ids AS text[])) AS wanted (kind, item_id)
JOIN snapshot_files AS file USING (kind, item_id)
WHERE file.removed_in IS NULL
""")


async def files_of(session: AsyncSession, keys: Collection[Key]) -> dict[Key, File]:
    """Return path and exact text of the current files of these items, where they have one."""
    wanted = {"kinds": [kind.value for kind, _ in keys], "ids": [one for _, one in keys]}
    connection = await session.connection()
    rows = await connection.execute(_CURRENT, wanted)
    return {(Kind(kind), item_id): (path, content) for kind, item_id, path, content in rows}


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
