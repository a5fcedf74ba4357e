"""The kinds of thing an ontology holds, and the folders of a source that they stand in."""

from enum import StrEnum


class Kind(StrEnum):
    """The kinds that the hub keeps; the values are labels of the enum type `sourcekind`."""

    CATEGORY = "category"
    PROPERTY = "property"
    SUBOBJECT = "subobject"
    MODULE = "module"
    PROFILE = "profile"

    @property
    def plural(self) -> str:
        """The name of the kind's collection, in paths of the API and in diffs."""
        return _PLURALS[self]


_PLURALS = {
    Kind.CATEGORY: "categories",
    Kind.PROPERTY: "properties",
    Kind.SUBOBJECT: "subobjects",
    Kind.MODULE: "modules",
    Kind.PROFILE: "profiles",
}

# A bundle is what later sources call a profile.
KIND_OF_FOLDER = {**{kind.plural: kind for kind in Kind}, "bundles": Kind.PROFILE}

# Kinds of later sources that the hub has no table for: counted and left out.
SKIPPED_FOLDERS = ("templates", "dashboards", "resources", "media")
