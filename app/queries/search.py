"""The search over all entities: by label, whoever holds the term in id, label or description.

Two ways lead to the first hits. To walk through the entities by label is quick where every
hundredth one is a hit, and takes the longer the rarer they are. To take all hits from the trigram
index and sort them is quick where they are few. How many there are nobody knows beforehand: so a
short walk comes first, and what it finds decides.
"""

import re

from app.database import Reader
from app.models import EntityType
from app.models.entity import SEARCHED
from app.queries.public import ENTITY

# Steps of the first walk for each hit that is wanted, and of the second, which is taken where
# the first has found one hit in 250 steps: then the walk's end is in sight.
_FIRST, _SECOND, _PROMISING = 50, 2000, 250

# A trigram is three letters or digits in a row. A pattern without any would read the whole index.
_TRIGRAM = re.compile(r"[^\W_]{3}")

_PATTERN = "(SELECT '%' || lower($1) || '%')"


def _line(entity_type: str) -> str:
    """Return a query for the first $4 entities of a type; from the index alone."""
    return f"""SELECT search_line, id FROM entities
        WHERE entity_type = {entity_type} AND deleted_at IS NULL
        ORDER BY search_line, id LIMIT $4"""


def _answer(hits: str) -> str:
    """Return the statement that shows the entities whose ids `hits` gives, and counts them.

    $1 is the term, escaped for LIKE, $2 the type or null, $3 how many entities are wanted.
    """
    return f"""
WITH hit AS MATERIALIZED ({hits})
SELECT (SELECT count(*) FROM hit) AS hits, (
    SELECT json_build_object(
        'items', coalesce(json_agg(entity), '[]'), 'next_cursor', null, 'has_next', false
    ) FROM (
        SELECT {ENTITY} FROM entities WHERE id = ANY (ARRAY(SELECT id FROM hit))
        ORDER BY search_line, id
    ) AS entity
) AS text
"""


def _walk(line: str) -> str:
    # The end of a long text is not in the line. A scalar subquery: EXISTS would be hashed, for
    # which the whole table is read.
    return _answer(f"""
    SELECT id FROM ({line}) AS line
    WHERE search_line LIKE {_PATTERN} OR octet_length(search_line) > 500 AND (
        SELECT {SEARCHED} LIKE {_PATTERN} FROM entities WHERE id = line.id
    ) LIMIT $3
""")


_LINES = " UNION ALL ".join("({})".format(_line(f"'{one}'")) for one in EntityType)
_WALK_ALL = _walk(
    f"SELECT * FROM ({_LINES}) AS lines WHERE $2::entitytype IS NULL"
    " ORDER BY search_line, id LIMIT $4"
)
_WALK_TYPE = _walk(_line("$2"))

_INDEX = _answer(f"""
    SELECT id FROM entities
    WHERE deleted_at IS NULL AND ($2::entitytype IS NULL OR entity_type = $2) AND (
        search_line LIKE {_PATTERN}
        OR octet_length(search_line) > 500 AND {SEARCHED} LIKE {_PATTERN}
    ) ORDER BY search_line, id LIMIT $3
""")


async def search(reader: Reader, term: str, entity_type: EntityType | None, limit: int) -> str:
    """Return the JSON of an EntityPage: the first entities by label that hold `term`.

    In any case, in their id, label or description; `%` and `_` are plain characters.
    """
    plain = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    walk = _WALK_ALL if entity_type is None else _WALK_TYPE
    wanted = (plain, entity_type, limit)
    indexed = _TRIGRAM.search(term) is not None

    hits, text = (await reader.rows(walk, *wanted, _FIRST * limit))[0]
    promising = hits * _PROMISING >= _FIRST * limit
    if hits < limit and (promising or not indexed):
        reach = _SECOND * limit if indexed else None
        hits, text = (await reader.rows(walk, *wanted, reach))[0]
    if hits < limit and indexed:
        hits, text = (await reader.rows(_INDEX, *wanted))[0]
    found: str = text
    return found
