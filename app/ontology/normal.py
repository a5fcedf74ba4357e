"""The one form in which definitions are stored, whichever spelling a source or a draft uses.

Sources have spelt the same facts in several ways: one `parent` or a list `parents`; `properties`,
or `required_properties` and `optional_properties`. The normal form holds all of them, so that a
reader finds the spelling it knows. A property's `allows_value_from_category` takes the place of two
older spellings. Every other key of the definition is kept as it is.
"""

from collections.abc import Mapping
from typing import Any

from app.ontology.kinds import Kind

# The lists that come in a required and an optional part.
PARTED = {
    Kind.CATEGORY: ("properties", "subobjects"),
    Kind.SUBOBJECT: ("properties",),
}

# Where a property takes its values from: the normal key, and one that sources have used for it.
VALUE_CATEGORY = "allows_value_from_category"
OLD_VALUE_CATEGORY = "Allows_value_from_category"


class DefinitionError(ValueError):
    """A definition has the wrong shape; the text is one sentence for its author."""


def normalised(kind: Kind, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form of a category's, property's or subobject's definition.

    Applied to a normal form it returns an equal one. Raises DefinitionError where a list of ids is
    something else.
    """
    normal = dict(definition)
    if kind is Kind.CATEGORY:
        parents = _parents(definition)
        normal["parents"] = parents
        normal["parent"] = parents[0] if parents else None
    if kind is Kind.PROPERTY and VALUE_CATEGORY not in normal:
        _rename_value_category(normal)
    for part in PARTED.get(kind, ()):
        required = _ids(definition, f"required_{part}")
        optional = _ids(definition, f"optional_{part}")
        # Without a part the source does not tell the two apart: nothing is said to be required.
        known = {*required, *optional}
        optional += [one for one in _ids(definition, part) if one not in known]
        normal[f"required_{part}"] = required
        normal[f"optional_{part}"] = optional
        normal[part] = required + [one for one in optional if one not in required]
    return normal


def _rename_value_category(normal: dict[str, Any]) -> None:
    values = normal.get("allowed_values")
    if isinstance(normal.get(OLD_VALUE_CATEGORY), str):
        normal[VALUE_CATEGORY] = normal.pop(OLD_VALUE_CATEGORY)
    elif isinstance(values, dict) and [*values] == ["from_category"]:
        normal[VALUE_CATEGORY] = normal.pop("allowed_values")["from_category"]


def _parents(definition: Mapping[str, Any]) -> list[str]:
    parents = _ids(definition, "parents")
    single = definition.get("parent")
    if single is None or single == "":
        return parents
    if not isinstance(single, str):
        raise DefinitionError("`parent` must be the id of a category, or null")
    return parents if single in parents else [single, *parents]


def _ids(definition: Mapping[str, Any], key: str) -> list[str]:
    value = definition.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise DefinitionError(f"`{key}` must be a list of ids")
    return list(dict.fromkeys(value))
