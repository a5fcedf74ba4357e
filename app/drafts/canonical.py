"""What a draft has to do with in the ontology as it is."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from app.drafts.items import Fields, Key, Reference, references
from app.drafts.payload import DraftPayload
from app.ontology.kinds import Kind

# The references that must not lead in a circle.
ACYCLIC = {Kind.CATEGORY: "parent", Kind.MODULE: "dependencies"}


@dataclass(frozen=True)
class Proposal:
    """A draft's items, and what it removes, each in the payload's order."""

    items: Mapping[Key, Fields]
    deleted: Sequence[Key]

    @classmethod
    def of(cls, payload: DraftPayload) -> "Proposal":
        """Return what the payload proposes."""
        return cls(payload.items(), payload.deleted())

    def touched(self) -> list[Key]:
        """Return what the draft sets or removes."""
        return [*self.items, *self.deleted]

    def referenced(self) -> list[Key]:
        """Return what the draft's items name, each once."""
        found: dict[Key, None] = {}
        for (kind, _), fields in self.items.items():
            found.update(((one.kind, one.to), None) for one in references(kind, fields))
        return list(found)

    def edges(self, kind: Kind) -> dict[str, list[str]]:
        """Return the parents of the draft's categories, or the dependencies of its modules."""
        return {
            item_id: [one.to for one in references(kind, fields) if one.field == ACYCLIC[kind]]
            for (of_kind, item_id), fields in self.items.items()
            if of_kind is kind
        }


class User(NamedTuple):
    """A live item that the draft leaves alone, and one thing it names that the draft removes."""

    key: Key
    reference: Reference


@dataclass(frozen=True)
class Canonical:
    """The part of the ontology that a proposal touches.

    `touched` holds the live items among those that the draft sets or removes, `known` which of
    the referenced are live. `parents` and `dependencies` are the edges that lead on from what
    the draft's categories and modules name, without what the draft itself touches. `users` are
    some of those that name what the draft removes, all of them if `all_users`. `twins` gives, for
    what the draft touches, a live id of the same kind that differs by case only.
    """

    touched: Mapping[Key, Fields]
    known: AbstractSet[Key]
    parents: Mapping[str, Sequence[str]]
    dependencies: Mapping[str, Sequence[str]]
    users: Sequence[User]
    all_users: bool
    twins: Mapping[Key, str]

    def edges(self, kind: Kind) -> Mapping[str, Sequence[str]]:
        """Return `parents` or `dependencies`."""
        return self.parents if kind is Kind.CATEGORY else self.dependencies
