"""What is asked for: many different ids and terms of a database, the same ones in each run."""

import random
from typing import Any

from sqlalchemy.engine import URL

from app.models import EntityType
from bench.api.ontology import Ontology
from tests.app.support import sql

_API = "/api/v1"
TERM_LENGTHS = range(3, 9)


def entity_paths(url: URL, many: int) -> list[str]:
    """Return paths of entities, the types as often as they occur."""
    return [
        f"{_API}/entities/{row['entity_type']}/{row['entity_id']}"
        for row in _rows(url, "entity_type::text, entity_id", many)
    ]


def page_paths(url: URL, many: int, limit: int) -> list[str]:
    """Return paths of pages that begin anywhere."""
    return [
        f"{_API}/entities/{row['entity_type']}?limit={limit}&cursor={row['entity_id']}"
        for row in _rows(url, "entity_type::text, entity_id", many)
    ]


def first_pages(limit: int) -> list[str]:
    """Return the paths of each type's first page."""
    return [f"{_API}/entities/{one}?limit={limit}" for one in EntityType]


def last_pages(url: URL, limit: int) -> list[str]:
    """Return the paths of each type's last page, which is a full one."""
    found = []
    for one in EntityType:
        (row,) = sql(
            url,
            "SELECT entity_id FROM entities WHERE entity_type = $1::text::entitytype"
            ' ORDER BY entity_id COLLATE "C" DESC OFFSET $2 LIMIT 1',
            one.value,
            limit,
        )
        found.append(f"{_API}/entities/{one}?limit={limit}&cursor={row['entity_id']}")
    return found


def used_by_paths(url: URL, many: int) -> list[str]:
    """Return paths of who uses a property or subobject."""
    where = "entity_type <> 'category'"
    return [
        f"{_API}/entities/{row['entity_type']}/{row['entity_id']}/used-by"
        for row in _rows(url, "entity_type::text, entity_id", many, where)
    ]


def inheritance_paths(url: URL, many: int) -> list[str]:
    """Return paths of categories' inheritance."""
    return [
        f"{_API}/entities/category/{row['entity_id']}/inheritance"
        for row in _rows(url, "entity_id", many, "entity_type = 'category'")
    ]


def search_path(term: str) -> str:
    """Return the path of a search for the term."""
    return f"{_API}/entities/search?q={term}"


def words(ontology: Ontology, many: int) -> list[str]:
    """Return words of the vocabulary, each as likely as any other: most are rare ones."""
    known = [word for word in ontology.vocabulary.words if len(word) in TERM_LENGTHS]
    return random.Random(1).sample(known, min(many, len(known)))  # noqa: S311


def parts(url: URL, many: int, lengths: range = TERM_LENGTHS) -> list[str]:
    """Return parts of words of the texts of any rows: most are frequent ones."""
    source = random.Random(2)  # noqa: S311
    found = []
    for row in _rows(url, "entity_id, label, description", many):
        length = source.choice(lengths)
        text = source.choice([value for value in row.values() if value])
        starts = [
            start
            for start in range(len(text) - length + 1)
            if text[start : start + length].isalpha()
        ]
        if starts:
            start = source.choice(starts)
            found.append(text[start : start + length])
    return found


def _rows(url: URL, columns: str, many: int, where: str = "true") -> list[dict[str, Any]]:
    # By a hash: any rows, anywhere in the table and the indexes, but the same in each run.
    return sql(
        url,
        f"SELECT {columns} FROM entities WHERE {where}"  # noqa: S608
        " ORDER BY hashtext(entity_id), entity_type LIMIT $1",
        many,
    )
