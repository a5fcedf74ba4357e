"""What the parameters of wikitext definitions mean: one table for both wikitext formats.

The format C1 spells `has_required_property` as `Has required property`; nothing else differs.
"""

from dataclasses import dataclass
from enum import Enum, auto

from app.ontology.kinds import Kind


class Shape(Enum):
    """What a parameter's value is."""

    TEXT = auto()
    ID = auto()  # the name of one page
    IDS = auto()  # the names of pages
    TEXTS = auto()
    NUMBER = auto()
    FLAG = auto()
    CARDINALITY = auto()  # whether there may be several values

    @property
    def is_list(self) -> bool:
        return self in (Shape.IDS, Shape.TEXTS)


@dataclass(frozen=True, slots=True)
class Parameter:
    """The key of the normal form that a parameter gives, its shape, its pages' namespace."""

    key: str
    shape: Shape
    namespace: str = ""


_DESCRIPTION = Parameter("description", Shape.TEXT)
_LABEL = Parameter("label", Shape.TEXT)
_PROPERTIES = {
    "has_required_property": Parameter("required_properties", Shape.IDS, "Property"),
    "has_optional_property": Parameter("optional_properties", Shape.IDS, "Property"),
}

# In the order in which a new file has them.
PARAMETERS: dict[Kind, dict[str, Parameter]] = {
    Kind.CATEGORY: {
        "has_description": _DESCRIPTION,
        "display_label": _LABEL,
        "has_parent_category": Parameter("parents", Shape.IDS, "Category"),
        **_PROPERTIES,
        "has_required_subobject": Parameter("required_subobjects", Shape.IDS, "Subobject"),
        "has_optional_subobject": Parameter("optional_subobjects", Shape.IDS, "Subobject"),
    },
    Kind.PROPERTY: {
        "has_description": _DESCRIPTION,
        "has_type": Parameter("datatype", Shape.TEXT),
        "display_label": _LABEL,
        "allows_multiple_values": Parameter("cardinality", Shape.CARDINALITY),
        "allows_value": Parameter("allowed_values", Shape.TEXTS),
        "allows_value_from_category": Parameter("allows_value_from_category", Shape.ID, "Category"),
        "allows_pattern": Parameter("allowed_pattern", Shape.TEXT),
        "allows_value_list": Parameter("allowed_value_list", Shape.TEXT),
        "display_units": Parameter("display_units", Shape.TEXTS),
        "display_precision": Parameter("display_precision", Shape.NUMBER),
        "has_unique_values": Parameter("unique_values", Shape.FLAG),
        "has_template": Parameter("has_display_template", Shape.TEXT),
        "subproperty_of": Parameter("subproperty_of", Shape.ID, "Property"),
    },
    Kind.SUBOBJECT: {
        "has_description": _DESCRIPTION,
        "display_label": _LABEL,
        **_PROPERTIES,
    },
}

# Keys of the normal form that no unknown parameter may claim for itself.
RESERVED = {"id", "parent", "properties", "subobjects"} | {
    parameter.key for table in PARAMETERS.values() for parameter in table.values()
}
