"""The history that the hub keeps by itself: its imports."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import asyncpg  # type: ignore[import-untyped]  # it has none

from app.queries import snapshots
from app.versions.history import NEWEST, NoHistory, UnknownVersion
from app.versions.revision import is_abbreviation

if TYPE_CHECKING:
    from app.database import Reader  # which reads the settings as soon as it is imported


class _Version(NamedTuple):
    id: int
    tag_name: str
    number: str
    row: asyncpg.Record


class SnapshotHistory:
    """The imports that changed something; see History."""

    def __init__(self, reader: "Reader") -> None:
        self._reader = reader

    async def versions(self) -> str:
        """As History says: each snapshot with the time of its import."""
        found = await self._snapshots(NEWEST)
        return json.dumps([_shown(version) for version in found], ensure_ascii=False)

    async def diff(self, old: str, new: str) -> str:
        """As History says."""
        # Two statements are as good as one here: what a snapshot holds never changes.
        known = await self._snapshots(None)
        ids = [_resolve(known, name, side) for side, name in (("old", old), ("new", new))]
        answer: str = await self._reader.value(snapshots.DIFF, *ids, old, new)
        return answer

    async def _snapshots(self, limit: int | None) -> list[_Version]:
        found = _named(await self._reader.rows(snapshots.SNAPSHOTS, limit))
        if not found:
            raise NoHistory
        return found


def _named(rows: Iterable[asyncpg.Record]) -> list[_Version]:
    """Name each snapshot, newest first, by its source's tag or else commit.

    An older one whose tag or commit a newer one bears too, and one that has neither, are known by
    their number: what the list shows names one snapshot.
    """
    named: list[_Version] = []
    taken: set[str] = set()
    for row in rows:
        number = f"snapshot-{row['id']}"
        label: str = row["name"] or row["commit_sha"] or number
        named.append(_Version(row["id"], number if label in taken else label, number, row))
        taken.add(label)
    return named


def _resolve(versions: list[_Version], name: str, parameter: str) -> int:
    for version in versions:
        if name == version.tag_name:
            return version.id
    for version in versions:
        if name in (version.number, version.row["commit_sha"]):
            return version.id
    if is_abbreviation(name):
        meant = [one for one in versions if (one.row["commit_sha"] or "").startswith(name.lower())]
        if len({one.row["commit_sha"] for one in meant}) == 1:
            return meant[0].id
    raise UnknownVersion(parameter)


def _shown(version: _Version) -> dict[str, str | None]:
    imported = version.row["imported_at"].isoformat()
    return {
        "tag_name": version.tag_name,
        "name": version.row["name"],
        "created_at": imported,
        "published_at": imported,
        "body": None,
    }
