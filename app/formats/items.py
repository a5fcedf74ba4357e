"""What is read from a file and written to one."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.ontology.kinds import Kind

# A page's title in MediaWiki has at most 255 bytes; PostgreSQL's indexes take no key above 2,700.
MAX_ID_BYTES = 255
MAX_LABEL_BYTES = 1000


class Format(StrEnum):
    """How a file spells what it says.

    Modules and profiles are JSON in every format; those of wikitext sources are read as JSON_B.
    """

    JSON_A = "json-a"  # one `parent`; `properties` without a required part
    JSON_B = "json-b"  # `parents`; required and optional lists
    VOCABULARY = "vocabulary"  # a module as a list of what a wiki has to import
    WIKITEXT_C1 = "wikitext-c1"  # [[Has type::Text]], a line for each value
    WIKITEXT_C2 = "wikitext-c2"  # {{Property |has_type=Text}}, lists with commas

    @property
    def is_wikitext(self) -> bool:
        return self in (Format.WIKITEXT_C1, Format.WIKITEXT_C2)


class FormatError(ValueError):
    """A file, or an item that is to become one, cannot be used.

    `line` is the file's line at fault, from 1; `reason` one sentence for the file's author.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Item:
    """One category, property, subobject, module or profile.

    `definition` is the normal form (app.ontology.normal) of a category's, property's or
    subobject's whole file, with `id`, `label` and `description` in it; empty for the other kinds.
    `category_ids` and `dependencies` are a module's, `module_ids` a profile's. `dependencies` is
    None where the file does not say what the module depends on.
    """

    kind: Kind
    item_id: str
    label: str
    description: str | None = None
    definition: dict[str, Any] = field(default_factory=dict)
    category_ids: list[str] = field(default_factory=list)
    dependencies: list[str] | None = None
    module_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that has been read.

    `path` is relative to the source's root, `text` the file's exact text; `document` is the parsed
    JSON as it is or, of a wikitext file, the item's definition.
    """

    path: str
    text: str
    format: Format
    item: Item
    document: dict[str, Any]


def check_id(value: str, line: int, what: str = "the id") -> str:
    """Return an id that every table, path and wiki can hold; raises FormatError for any other."""
    if not value or value != value.strip():
        raise FormatError(line, f"{what} is empty or has white space at its ends")
    if not value.isprintable() or "/" in value:
        raise FormatError(line, f"{what} has a slash or a character that cannot be shown")
    if len(value.encode()) > MAX_ID_BYTES:
        raise FormatError(line, f"{what} is longer than {MAX_ID_BYTES} bytes")
    return value


def check_label(value: str, line: int) -> str:
    """Return a label that can be indexed; raises FormatError for any other."""
    if len(value.encode()) > MAX_LABEL_BYTES:
        raise FormatError(line, f"the label is longer than {MAX_LABEL_BYTES} bytes")
    return value


def name_of(item_id: str) -> str:
    """Return the page name of an id: files and ids have underscores where names have spaces."""
    return item_id.replace("_", " ")


def id_of(name: str) -> str:
    """Return the id of a page name."""
    return name.strip().replace(" ", "_")
