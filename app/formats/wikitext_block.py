"""Where the parameters of a wikitext definition stand: what both reading and editing start from.

A file is read line by line. One parameter begins on each line, and only what stands between the
two marker comments counts, where a file has them.
"""

import re
from dataclasses import dataclass

from app.formats.items import Format, FormatError
from app.formats.json_text import BOM

START = "<!-- OntologySync Start -->"
END = "<!-- OntologySync End -->"

_ANNOTATION = re.compile(r"\[\[([^:\[\]|]+)::(.*)\]\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter or annotation; `first` and `end` are the indexes of its lines, end excluded."""

    name: str
    value: str
    first: int
    end: int

    @property
    def line(self) -> int:
        return self.first + 1


@dataclass(frozen=True, slots=True)
class Block:
    """A definition's lines and entries; `top` is the index of the line that a first one gets."""

    form: Format
    template: str
    lines: list[str]
    entries: list[Entry]
    top: int


def parse_block(text: str) -> Block:
    """Return the one definition of a wikitext file; raises FormatError where there is none."""
    lines = text.removeprefix(BOM).split("\n")
    first, last = _marked(lines)
    for index in range(first, last):
        line = lines[index].strip()
        if line.startswith("{{"):
            return _template(lines, index, last)
        if line.startswith("[["):
            return _annotations(lines, first, last)
    raise FormatError(first + 1, "neither a template call nor an annotation stands here")


def snake(name: str) -> str:
    """Return the parameter's name of an annotation: `Has type` is has_type."""
    return name.strip().lower().replace(" ", "_")


def _marked(lines: list[str]) -> tuple[int, int]:
    starts = [index for index, line in enumerate(lines) if line.strip() == START]
    ends = [index for index, line in enumerate(lines) if line.strip() == END]
    if not starts and not ends:
        return 0, len(lines)
    if len(starts) > 1 or len(ends) > 1:
        raise FormatError((starts + ends)[1] + 1, "there is more than one definition")
    if not starts or not ends or starts > ends:
        line = (starts or ends)[0] + 1
        raise FormatError(line, f"`{START}` and `{END}` must stand around the definition")
    return starts[0] + 1, ends[0]


def _template(lines: list[str], first: int, last: int) -> Block:
    opening = lines[first].strip()
    template = opening[2:].strip()
    if not template or any(sign in template for sign in "|{}"):
        raise FormatError(first + 1, "write `{{Name` and each parameter on a line of its own")
    places: dict[str, tuple[int, int]] = {}
    name = None
    for index in range(first + 1, last):
        line = lines[index].strip()
        if line == "}}":
            _check_rest(lines, index + 1, last)
            entries = [_entry(lines, key, *place) for key, place in places.items()]
            return Block(Format.WIKITEXT_C2, template, lines, entries, first + 1)
        if line.startswith("|"):
            name, equals, _ = line[1:].partition("=")
            name = name.strip()
            if not equals or not name:
                raise FormatError(index + 1, "a parameter is written `|name=value`")
            if name in places:
                raise FormatError(index + 1, f"the parameter `{name[:80]}` stands twice")
            places[name] = index, index + 1
        elif line and not _is_comment(line):
            if name is None:
                raise FormatError(index + 1, "a parameter is written `|name=value`")
            # Only the place: to join the value line by line takes time by the square of its lines.
            places[name] = places[name][0], index + 1
    raise FormatError(first + 1, "no line `}}` ends the template call that begins here")


def _entry(lines: list[str], name: str, first: int, end: int) -> Entry:
    """Return the parameter whose value begins on the line `first` and goes on to `end`."""
    value = lines[first].partition("=")[2]
    # What stands between is part of the value, blank lines too.
    texts = [value.strip(), *(line.strip() for line in lines[first + 1 : end])]
    return Entry(name, "\n".join(texts).strip(), first, end)


def _check_rest(lines: list[str], first: int, last: int) -> None:
    for index in range(first, last):
        if lines[index].lstrip().startswith("{{"):
            raise FormatError(index + 1, "there is more than one definition")


def _annotations(lines: list[str], first: int, last: int) -> Block:
    entries = []
    for index in range(first, last):
        line = lines[index].strip()
        if line.startswith("{{"):
            raise FormatError(index + 1, "a template call stands among annotations")
        if not line.startswith("[[") or line.startswith("[[Category:"):
            continue
        annotation = _ANNOTATION.fullmatch(line)
        if annotation is None:
            raise FormatError(index + 1, "an annotation is written `[[Name::value]]`")
        name = snake(annotation[1])
        if not name:
            raise FormatError(index + 1, "an annotation is written `[[Name::value]]`")
        entries.append(Entry(name, annotation[2].strip(), index, index + 1))
    if not entries:
        raise FormatError(first + 1, "neither a template call nor an annotation stands here")
    return Block(Format.WIKITEXT_C1, "", lines, entries, entries[0].first)


def _is_comment(line: str) -> bool:
    return line.startswith("<!--") and line.endswith("-->") and line.count("<!--") == 1
