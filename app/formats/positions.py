"""Where in a file stands what an error is about."""

import json

from app.formats.items import FormatError, id_of
from app.formats.json_text import line_of_key, members
from app.formats.wikitext_block import parse_block

_SAYS_NO_REFERENCE = {"id", "@id", "label", "name", "description", "comment"}
_SAYS_NO_REFERENCE |= {"has_description", "display_label"}


def line_of_id(path: str, text: str) -> int:
    """Return the line in which a file gives its id; 1 where its name does."""
    return 1 if path.endswith(".wikitext") else line_of_key(text, "id")


def line_of_reference(path: str, text: str, target: str) -> int:
    """Return the line in which a file that has been read names another item; 1 if none is found."""
    if path.endswith(".wikitext"):
        return _line_in_wikitext(text, target)
    quoted = {json.dumps(target), json.dumps(target, ensure_ascii=False)}
    for member in members(text):
        if member.key in _SAYS_NO_REFERENCE:
            continue
        value = text[member.value_start : member.end]
        for place in (value.find(one) for one in quoted):
            if place >= 0:
                return text.count("\n", 0, member.value_start + place) + 1
    return 1


def _line_in_wikitext(text: str, target: str) -> int:
    try:
        entries = parse_block(text).entries
    except FormatError:
        return 1
    for entry in entries:
        if entry.name in _SAYS_NO_REFERENCE:
            continue
        for part in entry.value.split(","):
            # The namespace in front, if any, is no part of the id.
            if target in (id_of(part), id_of(part.partition(":")[2])):
                return entry.line
    return 1
