"""What differs between two sets of files."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.formats import is_item_path, parts_of
from app.ontology.kinds import Kind
from app.ontology.values import same

Document = dict[str, Any]


class ItemKey(NamedTuple):
    """What a file of a source is about. Two versions of a file are about the same item."""

    key: str
    kind: Kind

    @property
    def item_id(self) -> str:
        """The file's name, without its extension."""
        return self.key.partition("/")[2]


def item_key(path: str) -> ItemKey | None:
    """Return what the file at a path of two parts is about; None where it is about no item."""
    if not is_item_path(path):
        return None
    kind, name, _ = parts_of(path)
    return ItemKey(f"{path.partition('/')[0]}/{name}", kind)


Pair = tuple[Document | None, Document | None]


def changes(pairs: Mapping[ItemKey, Pair]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return, by kind, what comes, differs and goes, sorted by key (VersionDiff's kinds).

    `pairs` holds what an item's old and new file say; None: there is no such file.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        kind.plural: {"added": [], "modified": [], "deleted": []} for kind in Kind
    }
    for item, (old, new) in sorted(pairs.items()):
        if same(old, new):
            continue
        what = "added" if old is None else "deleted" if new is None else "modified"
        found[item.kind.plural][what].append(
            {
                "key": item.key,
                "entity_type": item.kind.plural,
                "entity_id": item.item_id,
                "old": old,
                "new": new,
            }
        )
    return found
