"""What the pages for people show. Every text and list is cut, so that no page grows with its data.

A page's size therefore does not depend on who has imported what; the API gives the whole.
"""

import json
from typing import Any

from app.database import Reader
from app.models import EntityType
from app.queries.definitions import listed, lists

# Characters, and members of a list.
_LABEL, _TEXT, _MEMBERS = 120, 1000, 50

_HOLDINGS = f"""
SELECT json_build_object(
    'entities', (
        SELECT coalesce(json_object_agg(entity_type, count), '{{}}') FROM (
            SELECT entity_type, count(*) FROM entities
            WHERE deleted_at IS NULL GROUP BY entity_type
        ) AS counted
    ),
    'modules', (SELECT count(*) FROM modules WHERE deleted_at IS NULL),
    'profiles', (SELECT count(*) FROM profiles WHERE deleted_at IS NULL),
    'first_modules', (
        SELECT coalesce(json_agg(module), '[]') FROM (
            SELECT module_id AS id, left(label, {_LABEL}) AS label,
                jsonb_array_length(category_ids) AS categories
            FROM modules WHERE deleted_at IS NULL
            ORDER BY modules.label COLLATE "C", module_id COLLATE "C" LIMIT {_MEMBERS}
        ) AS module
    )
)
"""


def _members(rows: str) -> str:
    """Return an expression: the first of `rows` (id, label) by label, and how many there are.

    A label is null where the hub does not hold what is referred to.
    """
    return f"""(
        WITH member AS MATERIALIZED ({rows})
        SELECT json_build_object('count', (SELECT count(*) FROM member), 'first', (
            SELECT coalesce(json_agg(one), '[]') FROM (
                SELECT id, left(label, {_LABEL}) AS label FROM member
                ORDER BY coalesce(member.label, id) COLLATE "C", id COLLATE "C" LIMIT {_MEMBERS}
            ) AS one
        ))
    )"""


def _referred(ids: str, held: str) -> str:
    """Return `_members` of a query for `ids`; `held` is the condition for the row of one's id."""
    # Not a join, which might be planned to read all that the hub holds.
    return _members(f"""
        SELECT id, (SELECT label FROM {held} = listed.id AND deleted_at IS NULL) AS label
        FROM ({ids}) AS listed (id)""")


def _listed(name: str, entity_type: EntityType) -> str:
    return _referred(listed("schema_definition", name), _ENTITY_ID.format(entity_type.value))


def _used_by(name: str) -> str:
    return _members(f"""
        SELECT entity_id AS id, label FROM entities WHERE entity_type = 'category'
        AND deleted_at IS NULL AND {lists("schema_definition", name, "$2::text")}""")


_ENTITY_ID = "entities WHERE entity_type = '{}' AND entity_id"

_MODULES = _members("""
    SELECT module_id AS id, label FROM modules
    WHERE deleted_at IS NULL AND category_ids ? $2::text""")

_RELATED = {
    EntityType.CATEGORY: {
        "properties": _listed("properties", EntityType.PROPERTY),
        "subobjects": _listed("subobjects", EntityType.SUBOBJECT),
        "modules": _MODULES,
    },
    EntityType.PROPERTY: {"used_by": _used_by("properties")},
    EntityType.SUBOBJECT: {"used_by": _used_by("subobjects")},
}


def _entity(related: dict[str, str]) -> str:
    members = ", ".join(f"'{name}', {rows}" for name, rows in related.items())
    return f"""
SELECT json_build_object(
    'id', entity_id, 'type', entity_type, 'label', left(label, {_LABEL}),
    'description', left(description, {_TEXT}), {members}
) FROM entities WHERE entity_type = $1 AND entity_id = $2 AND deleted_at IS NULL
"""


_ENTITY = {kind: _entity(related) for kind, related in _RELATED.items()}

_CATEGORIES = _referred(
    "SELECT DISTINCT jsonb_array_elements_text(category_ids)", _ENTITY_ID.format("category")
)
_NEEDS = _referred(
    "SELECT DISTINCT jsonb_array_elements_text(dependencies)", "modules AS needed WHERE module_id"
)

_MODULE = f"""
SELECT json_build_object(
    'id', module_id, 'type', 'module', 'label', left(label, {_LABEL}),
    'description', left(description, {_TEXT}), 'categories', {_CATEGORIES}, 'needs', {_NEEDS}
) FROM modules WHERE module_id = $1 AND deleted_at IS NULL
"""


async def holdings(reader: Reader) -> dict[str, Any]:
    """Return how much of what the hub holds, and its first modules."""
    found: dict[str, Any] = json.loads(await reader.value(_HOLDINGS))
    return found


async def entity(reader: Reader, entity_type: EntityType, entity_id: str) -> dict[str, Any] | None:
    """Return an entity and what is related to it; None if there is no such entity."""
    text = await reader.value(_ENTITY[entity_type], entity_type, entity_id)
    return None if text is None else json.loads(text)


async def module(reader: Reader, module_id: str) -> dict[str, Any] | None:
    """Return a module, its categories and the modules that it needs; None if there is none."""
    text = await reader.value(_MODULE, module_id)
    return None if text is None else json.loads(text)
