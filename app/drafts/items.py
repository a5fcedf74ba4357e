"""Items: the one shape in which canonical rows and a draft's elements are compared.

An item's fields are those that the API shows of it, less what only the database knows: `entity_id`,
`label`, `description` and `schema_definition`, or a module's or a profile's own.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.ontology.kinds import Kind
from app.ontology.normal import normalised

Key = tuple[Kind, str]
Fields = dict[str, Any]


class Reference(NamedTuple):
    """`field` of an item names the item `to` of kind `kind`."""

    field: str
    kind: Kind
    to: str


_OF_DEFINITION = {
    Kind.CATEGORY: (
        ("parent", "parents", Kind.CATEGORY),
        ("properties", "properties", Kind.PROPERTY),
        ("subobjects", "subobjects", Kind.SUBOBJECT),
    ),
    Kind.SUBOBJECT: (("properties", "properties", Kind.PROPERTY),),
}
_OF_FIELDS = {
    Kind.MODULE: (("category_ids", Kind.CATEGORY), ("dependencies", Kind.MODULE)),
    Kind.PROFILE: (("module_ids", Kind.MODULE),),
}


def entity_fields(
    kind: Kind,
    entity_id: str,
    label: str,
    description: str | None,
    definition: Mapping[str, Any],
) -> Fields:
    """Return an entity's fields; its definition in the normal form, with id, label, description.

    The same facts give equal fields, whichever spelling the definition uses, and whether or not it
    repeats what stands beside it. Raises DefinitionError where it has the wrong shape.
    """
    description = description or _text(definition.get("description"))
    named = {"id": entity_id, "label": label, "description": description}
    normal = {**named, **normalised(kind, definition), **named}
    return {
        "entity_id": entity_id,
        "label": label,
        "description": description,
        "schema_definition": normal,
    }


def _text(value: Any) -> str | None:
    # Sources do not tell an empty description from none.
    return value if isinstance(value, str) and value else None


def module_fields(
    module_id: str,
    label: str,
    description: str | None,
    category_ids: list[str],
    dependencies: list[str],
) -> Fields:
    """Return a module's fields."""
    return {
        "module_id": module_id,
        "label": label,
        "description": description or None,
        "category_ids": category_ids,
        "dependencies": dependencies,
    }


def profile_fields(
    profile_id: str, label: str, description: str | None, module_ids: list[str]
) -> Fields:
    """Return a profile's fields."""
    return {
        "profile_id": profile_id,
        "label": label,
        "description": description or None,
        "module_ids": module_ids,
    }


def references(kind: Kind, fields: Fields) -> Iterator[Reference]:
    """Yield what an item names; `field` is the name that reports use."""
    for name, key, target in _OF_DEFINITION.get(kind, ()):
        for one in fields["schema_definition"][key]:
            yield Reference(name, target, one)
    for key, target in _OF_FIELDS.get(kind, ()):
        for one in fields[key]:
            yield Reference(key, target, one)
