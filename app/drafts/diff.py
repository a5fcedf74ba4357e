"""What a draft would change, item by item."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.drafts.items import Fields, Key
from app.ontology.kinds import Kind
from app.ontology.values import same


class Change(BaseModel):
    """One item's fields before and after; null is the side where it does not exist.

    `key` is `<entity_type>/<entity_id>`. A definition stands in the normal form on both sides.
    """

    key: str
    entity_type: Kind
    entity_id: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class KindChanges(BaseModel):
    """The changes of one kind, each list sorted by key."""

    added: list[Change] = Field(default_factory=list)
    modified: list[Change] = Field(default_factory=list)
    deleted: list[Change] = Field(default_factory=list)


class Diff(BaseModel):
    """What a draft would change in the ontology as it is now."""

    old_version: Literal["canonical"] = "canonical"
    new_version: Literal["draft"] = "draft"
    categories: KindChanges = Field(default_factory=KindChanges)
    properties: KindChanges = Field(default_factory=KindChanges)
    subobjects: KindChanges = Field(default_factory=KindChanges)
    modules: KindChanges = Field(default_factory=KindChanges)
    profiles: KindChanges = Field(default_factory=KindChanges)

    def of(self, kind: Kind) -> KindChanges:
        """Return the changes of one kind."""
        changes: KindChanges = getattr(self, kind.plural)
        return changes

    def all(self) -> list[Change]:
        """Return all changes, kind by kind."""
        kinds = [self.of(kind) for kind in Kind]
        return [one for kind in kinds for one in (*kind.added, *kind.modified, *kind.deleted)]


def make_diff(
    old: Mapping[Key, Fields], new: Mapping[Key, Fields], deleted: Collection[Key]
) -> Diff:
    """Compare what a draft sets with what is there: `old` holds whatever it sets or deletes.

    Equal facts in another spelling are no change, nor is the deletion of what is not there.
    """
    diff = Diff()
    for kind, item_id in sorted({*new, *deleted}):
        before, after = old.get((kind, item_id)), new.get((kind, item_id))
        change = Change(
            key=f"{kind}/{item_id}", entity_type=kind, entity_id=item_id, old=before, new=after
        )
        changes = diff.of(kind)
        if before is None and after is not None:
            changes.added.append(change)
        elif before is not None and after is None:
            changes.deleted.append(change)
        elif before is not None and not same(before, after):
            changes.modified.append(change)
    return diff
