"""How entities are related: inheritance, the categories that use one, the modules that hold one."""

import json

from app.database import Reader
from app.models import EntityType
from app.ontology.graph import cycles
from app.queries.definitions import has_parent, lists, parents
from app.queries.public import ENTITY, MODULE

_BY_LABEL = 'label COLLATE "C", entity_id COLLATE "C"'

# LATERAL with LIMIT: one index lookup for each row. A join would be planned for the 1,000 parents
# that PostgreSQL expects of each category, that is, by reading the whole table.
_CATEGORY = """LATERAL (
    SELECT entity_id, label, schema_definition FROM entities
    WHERE entity_type = 'category' AND entity_id = {id} AND deleted_at IS NULL LIMIT 1
)"""

# UNION, not UNION ALL, ends at a loop: an id that has been reached adds nothing again.
_INHERITANCE = f"""
WITH RECURSIVE line (id) AS (
    SELECT $1::text
    UNION
    SELECT parent.id FROM line
    CROSS JOIN {_CATEGORY.format(id="line.id")} AS category
    CROSS JOIN LATERAL ({parents("category.schema_definition")}) AS parent (id)
), ancestors AS MATERIALIZED (
    SELECT category.* FROM line CROSS JOIN {_CATEGORY.format(id="line.id")} AS category
), children AS MATERIALIZED (
    SELECT entity_id, label, schema_definition FROM entities
    WHERE entity_type = 'category' AND deleted_at IS NULL
    AND {has_parent("schema_definition", "$1::text")}
), nodes AS MATERIALIZED (
    SELECT entity_id, label FROM ancestors UNION SELECT entity_id, label FROM children
), edges AS (
    SELECT entity_id AS source, parent.id AS target FROM ancestors
    CROSS JOIN LATERAL ({parents("schema_definition")}) AS parent (id)
    UNION
    SELECT entity_id, parent.id FROM children
    CROSS JOIN LATERAL ({parents("schema_definition")}) AS parent (id)
    WHERE parent.id IN (SELECT entity_id FROM nodes)
)
SELECT (
    SELECT json_agg(node ORDER BY entity_id COLLATE "C") FROM (
        SELECT entity_id AS id, label, entity_id, entity_id = $1 AS is_current FROM nodes
    ) AS node
) AS nodes, (
    SELECT coalesce(json_agg(edges ORDER BY source COLLATE "C", target COLLATE "C"), '[]')
    FROM edges
) AS edges
WHERE EXISTS (SELECT FROM ancestors WHERE entity_id = $1)
"""

_LISTED_AS = {EntityType.PROPERTY: "properties", EntityType.SUBOBJECT: "subobjects"}

_EXISTS = """EXISTS (
    SELECT FROM entities WHERE entity_type = $1 AND entity_id = $2 AND deleted_at IS NULL
)"""


def _users(columns: str, name: str) -> str:
    return f"""SELECT {columns} FROM entities
    WHERE entity_type = 'category' AND deleted_at IS NULL
    AND {lists("schema_definition", name, "$2::text")}"""


_USED_BY = {
    kind: f"""
SELECT (
    SELECT coalesce(json_agg(category), '[]')
    FROM ({_users(ENTITY, name)} ORDER BY {_BY_LABEL}) AS category
) WHERE {_EXISTS}
"""
    for kind, name in _LISTED_AS.items()
}

_HOLDS = {
    EntityType.CATEGORY: "category_ids ? $2",
    **{
        kind: f"category_ids ?| ARRAY({_users('entity_id', name)})"
        for kind, name in _LISTED_AS.items()
    },
}
_MODULES = {
    kind: f"""
SELECT (
    SELECT coalesce(json_agg(module), '[]') FROM (
        SELECT {MODULE} FROM modules WHERE deleted_at IS NULL AND {holds}
        ORDER BY label COLLATE "C", module_id COLLATE "C"
    ) AS module
) WHERE {_EXISTS}
"""
    for kind, holds in _HOLDS.items()
}


async def inheritance(reader: Reader, entity_id: str) -> str | None:
    """Return the JSON of an Inheritance; None if there is no such category.

    Of a child's parents only those that are nodes themselves have an edge.
    """
    rows = await reader.rows(_INHERITANCE, entity_id)
    if not rows:
        return None
    nodes, edges = rows[0]
    circular = bool(cycles((edge["source"], edge["target"]) for edge in json.loads(edges)))
    return f'{{"nodes":{nodes},"edges":{edges},"has_circular":{json.dumps(circular)}}}'


async def used_by(reader: Reader, entity_type: EntityType, entity_id: str) -> str | None:
    """Return a JSON list of the categories that use a property or subobject, by label.

    None if there is no such entity; KeyError for a category, which nothing uses.
    """
    text: str | None = await reader.value(_USED_BY[entity_type], entity_type, entity_id)
    return text


async def modules_of(reader: Reader, entity_type: EntityType, entity_id: str) -> str | None:
    """Return a JSON list of the modules that hold a category, or one that uses the entity.

    By label; None if there is no such entity.
    """
    text: str | None = await reader.value(_MODULES[entity_type], entity_type, entity_id)
    return text
