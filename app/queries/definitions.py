"""Definitions in SQL: what a `schema_definition` refers to, and whether it refers to an id.

The normal form (app/ontology/normal.py) holds every spelling; a row that was written otherwise may
hold any of them, so all are read. One GIN index answers all the conditions.
"""

_SPELLINGS = ("{}", "required_{}", "optional_{}")


def parents(definition: str) -> str:
    """Return a query for the ids of a category's parents, each once."""
    return f"{_texts(definition, '$.parents[*]')} UNION {_texts(definition, '$.parent')}"


def listed(definition: str, name: str) -> str:
    """Return a query for the ids that a category lists under `name`, each once."""
    keys = [spelling.format(name) for spelling in _SPELLINGS]
    return " UNION ".join(_texts(definition, f"$.{key}[*]") for key in keys)


def has_parent(definition: str, parent: str) -> str:
    """Return the condition that `parent` is among a category's parents."""
    return _any(
        f"{definition} @> jsonb_build_object('parents', jsonb_build_array({parent}))",
        f"{definition} @> jsonb_build_object('parent', {parent})",
    )


def lists(definition: str, name: str, item: str) -> str:
    """Return the condition that a category lists the id `item` under `name`."""
    keys = [spelling.format(name) for spelling in _SPELLINGS]
    held = f"jsonb_build_array({item})"
    return _any(*(f"{definition} @> jsonb_build_object('{key}', {held})" for key in keys))


def _texts(definition: str, path: str) -> str:
    # silent: a definition that has another shape than it should refers to nothing.
    found = f"""strict {path} ? (@.type() == "string" && @ != "")"""
    return f"SELECT jsonb_path_query({definition}, '{found}', silent => true) #>> '{{}}'"


def _any(*conditions: str) -> str:
    return f"({' OR '.join(conditions)})"
