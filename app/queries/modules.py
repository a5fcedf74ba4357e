"""Modules: lists, one of them, what they hold, what they share, what they need."""

import json

from app.database import Reader
from app.ontology.graph import cycles
from app.queries.definitions import listed
from app.queries.public import ENTITY, MODULE

_LIST = f"""
SELECT coalesce(json_agg(module), '[]') FROM (
    SELECT {MODULE} FROM modules
    WHERE deleted_at IS NULL AND strpos(lower(label), lower($1)) > 0
    ORDER BY label COLLATE "C", module_id COLLATE "C"
) AS module
"""

_ONE = f"""
SELECT row_to_json(module) FROM (
    SELECT {MODULE} FROM modules WHERE module_id = $1 AND deleted_at IS NULL
) AS module
"""

_ENTITIES_BY_LABEL = """
    SELECT coalesce(json_agg(entity), '[]') FROM (
        SELECT {columns} FROM {table} ORDER BY label COLLATE "C", entity_id COLLATE "C"
    ) AS entity
"""


def _listed_entities(entity_type: str, name: str) -> str:
    # = ANY (ARRAY(...)): one index lookup for each id. A join would be planned for the 1,000 ids
    # that PostgreSQL expects of each category, that is, by reading the whole table.
    return f"""
    SELECT * FROM entities WHERE entity_type = '{entity_type}' AND deleted_at IS NULL
    AND entity_id = ANY (ARRAY(
        SELECT item.id FROM categories
        CROSS JOIN LATERAL ({listed("schema_definition", name)}) AS item (id)
    ))
"""


_ENTITIES = f"""
WITH module AS (
    SELECT category_ids FROM modules WHERE module_id = $1 AND deleted_at IS NULL
), categories AS MATERIALIZED (
    SELECT * FROM entities WHERE entity_type = 'category' AND deleted_at IS NULL
    AND entity_id = ANY (ARRAY(SELECT jsonb_array_elements_text(category_ids) FROM module))
), properties AS ({_listed_entities("property", "properties")}
), subobjects AS ({_listed_entities("subobject", "subobjects")}
)
SELECT json_build_object(
    'categories', ({_ENTITIES_BY_LABEL.format(columns=ENTITY, table="categories")}),
    'properties', ({_ENTITIES_BY_LABEL.format(columns=ENTITY, table="properties")}),
    'subobjects', ({_ENTITIES_BY_LABEL.format(columns=ENTITY, table="subobjects")})
) FROM module
"""

# A category that is deleted is shared by nobody. One that never was a row stands in the lists of
# the modules all the same, and these are what is compared.
_OVERLAPS = """
SELECT (
    SELECT coalesce(json_object_agg(shared.id, others.ids ORDER BY shared.id COLLATE "C"), '{}')
    FROM (SELECT DISTINCT jsonb_array_elements_text(module.category_ids)) AS shared (id)
    CROSS JOIN LATERAL (
        SELECT json_agg(module_id ORDER BY module_id COLLATE "C") FROM modules
        WHERE deleted_at IS NULL AND module_id <> module.module_id AND category_ids ? shared.id
    ) AS others (ids)
    WHERE others.ids IS NOT NULL AND NOT EXISTS (
        SELECT FROM entities WHERE entity_type = 'category' AND entity_id = shared.id
        AND deleted_at IS NOT NULL
    )
) FROM modules AS module WHERE module_id = $1 AND deleted_at IS NULL
"""

# UNION, not UNION ALL, ends at a loop: an id that has been reached adds nothing again.
_NEEDS = """
WITH RECURSIVE line (id) AS (
    SELECT $1::text
    UNION
    SELECT jsonb_array_elements_text(module.dependencies) FROM line CROSS JOIN LATERAL (
        SELECT dependencies FROM modules
        WHERE module_id = line.id AND deleted_at IS NULL LIMIT 1
    ) AS module
)
SELECT module.module_id, module.label, module.dependencies
FROM line CROSS JOIN LATERAL (
    SELECT module_id, label, dependencies FROM modules
    WHERE module_id = line.id AND deleted_at IS NULL LIMIT 1
) AS module
"""


async def modules(reader: Reader, search: str) -> str:
    """Return a JSON list of the modules whose labels hold `search`, in any case; by label."""
    text: str = await reader.value(_LIST, search)
    return text


async def module(reader: Reader, module_id: str) -> str | None:
    """Return the JSON of a ModulePublic; None if there is no such module."""
    text: str | None = await reader.value(_ONE, module_id)
    return text


async def entities(reader: Reader, module_id: str) -> str | None:
    """Return the JSON of a ModuleEntities; None if there is no such module."""
    text: str | None = await reader.value(_ENTITIES, module_id)
    return text


async def overlaps(reader: Reader, module_id: str) -> str | None:
    """Return a JSON object: for each shared category the other modules that hold it."""
    text: str | None = await reader.value(_OVERLAPS, module_id)
    return text


async def dependencies(reader: Reader, module_id: str) -> str | None:
    """Return the JSON of a ModuleDependencies; None if there is no such module."""
    rows = await reader.rows(_NEEDS, module_id)
    labels = {row["module_id"]: row["label"] for row in rows}
    if module_id not in labels:
        return None
    needs = {row["module_id"]: sorted(set(json.loads(row["dependencies"]))) for row in rows}
    return json.dumps(_graph(module_id, labels, needs), ensure_ascii=False)


def _graph(
    module_id: str, labels: dict[str, str], needs: dict[str, list[str]]
) -> dict[str, object]:
    depths = {module_id: 0}
    queue = [module_id]
    for one in queue:  # grows on the way: breadth first
        for needed in needs.get(one, []):
            if needed not in depths:
                depths[needed] = depths[one] + 1
                queue.append(needed)
    edges = [(one, needed) for one in queue for needed in needs.get(one, [])]
    circles = cycles(edges)
    return {
        "nodes": [
            {
                "id": one,
                "label": labels[one],
                "module_id": one,
                "is_current": one == module_id,
                "depth": depths[one],
            }
            for one in queue
            if one in labels
        ],
        "edges": [{"source": source, "target": target} for source, target in edges],
        "missing": sorted(depths.keys() - labels.keys()),
        "cycles": circles,
        "has_circular": bool(circles),
    }
