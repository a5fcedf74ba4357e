"""The search over all entities."""

from app.database import Reader
from app.models import EntityType
from app.queries.public import ENTITY

_SEARCH = f"""
SELECT json_build_object(
    'items', coalesce(json_agg(entity), '[]'), 'next_cursor', null, 'has_next', false
) FROM (
    SELECT {ENTITY} FROM entities
    WHERE deleted_at IS NULL AND ($2::entitytype IS NULL OR entity_type = $2)
    AND lower(entity_id || E'\\n' || label || E'\\n' || coalesce(description, ''))
        LIKE (SELECT '%' || lower($1) || '%')
    ORDER BY label COLLATE "C", entity_id COLLATE "C", entity_type LIMIT $3
) AS entity
"""


async def search(reader: Reader, term: str, entity_type: EntityType | None, limit: int) -> str:
    """Return the JSON of an EntityPage: the first entities by label that hold `term`.

    In any case, in their id, label or description; `%` and `_` are plain characters.
    """
    plain = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    text: str = await reader.value(_SEARCH, plain, entity_type, limit)
    return text
