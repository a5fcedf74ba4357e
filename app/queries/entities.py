"""Entities: how many there are, pages of them, one of them."""

from app.database import Reader
from app.models import EntityType
from app.queries.public import ENTITY

_OVERVIEW = """
WITH counted AS (
    SELECT entity_type, count(*) AS count FROM entities
    WHERE deleted_at IS NULL GROUP BY entity_type
)
SELECT json_build_object(
    'types', coalesce(json_agg(counted ORDER BY entity_type), '[]'),
    'total', coalesce(sum(count), 0)
) FROM counted
"""

# One row more than asked for says whether there is a next page.
_PAGE = f"""
WITH page AS (
    SELECT {ENTITY} FROM entities
    WHERE entity_type = $1 AND deleted_at IS NULL AND entity_id COLLATE "C" > $2
    ORDER BY entity_id COLLATE "C" LIMIT $3 + 1
), placed AS (
    SELECT page.entity_id, row_to_json(page) AS item, row_number() OVER () AS place FROM page
)
SELECT json_build_object(
    'items', coalesce(json_agg(item ORDER BY place) FILTER (WHERE place <= $3), '[]'),
    'next_cursor', max(entity_id) FILTER (WHERE place = $3 AND (SELECT count(*) FROM page) > $3),
    'has_next', count(*) > $3
) FROM placed
"""

_ONE = f"""
SELECT row_to_json(entity) FROM (
    SELECT {ENTITY} FROM entities
    WHERE entity_type = $1 AND entity_id = $2 AND deleted_at IS NULL
) AS entity
"""


async def overview(reader: Reader) -> str:
    """Return how many entities of each type there are: the JSON of an Overview."""
    text: str = await reader.value(_OVERVIEW)
    return text


async def page(reader: Reader, entity_type: EntityType, cursor: str, limit: int) -> str:
    """Return the JSON of an EntityPage: up to `limit` entities whose ids come after `cursor`."""
    text: str = await reader.value(_PAGE, entity_type, cursor, limit)
    return text


async def one(reader: Reader, entity_type: EntityType, entity_id: str) -> str | None:
    """Return the JSON of an EntityPublic; None if there is no such entity."""
    text: str | None = await reader.value(_ONE, entity_type, entity_id)
    return text
