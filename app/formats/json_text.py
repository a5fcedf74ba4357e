"""JSON as text: read strictly, and edited member by member without touching the rest.

Strictly means: what is read can be stored as jsonb. PostgreSQL refuses more than Python does, and
one refused value would end a whole import.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.formats.items import FormatError

BOM = "\ufeff"
MAX_DEPTH = 64
_MAX_DIGITS = 400

# The tokens that say where something begins and ends; numbers and the like stand between them.
# A string that never ends is a token too: else each quote in it would be tried up to the end.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\],]', re.DOTALL)
_COLON = re.compile(r"\s*:\s*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


class _Absent:
    """The type of ABSENT."""


# As a change of `edited`: the member is taken out.
ABSENT: Final = _Absent()


class _Refused(ValueError):
    """Raised inside the decoder, which does not say where it is."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused
    return members


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise _Refused
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    # 1e999 is infinite and 1e-999 is zero in Python; in PostgreSQL each is a number or an error.
    lost = value == 0 and re.match(r"-?[0.]*[1-9]", digits)
    if not math.isfinite(value) or lost or len(digits) > _MAX_DIGITS:
        raise _Refused
    return value


def _constant(name: str) -> float:
    raise _Refused


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_int, parse_float=_float, parse_constant=_constant
)


def parse(text: str) -> dict[str, Any]:
    """Return the object that the text is; raises FormatError for all else."""
    body = text.removeprefix(BOM)
    if body.count("{") + body.count("[") > MAX_DEPTH:
        _check_depth(body)
    try:
        document = _DECODER.decode(body)
    except json.JSONDecodeError as error:
        reason = f"this is no JSON: {error.msg} (column {error.colno})"
        raise FormatError(error.lineno, reason) from None
    except _Refused:
        raise _refusal(body) from None
    if "\\u" in body:
        _check_escapes(body)
    if not isinstance(document, dict):
        raise FormatError(1, "this is no JSON object")
    return document


def line_of_key(text: str, key: str) -> int:
    """Return the line of a member of the outermost object; 1 where there is none."""
    for member in members(text):
        if member.key == key:
            return _line(text, member.start)
    return 1


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object, and where its key begins, its value begins and its value ends."""

    key: str
    start: int
    value_start: int
    end: int


def members(text: str) -> list[Member]:
    """Return the members of the outermost object of a text that `parse` takes."""
    found: list[Member] = []
    depth, key, start, value_start, last = 0, None, 0, 0, 0

    def close(before: int) -> None:
        if key is not None:
            # From the last token on, not from the text's beginning, once for each member.
            end = last + len(text[last:before].rstrip())
            found.append(Member(key, start, value_start, end))

    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if depth == 0:
                close(token.start())
                break
        elif sign == ",":
            if depth == 1:
                close(token.start())
                key = None
        elif depth == 1 and key is None:
            key, start = json.loads(sign), token.start()
            colon = _COLON.match(text, token.end())
            value_start = colon.end() if colon else token.end()
        last = token.end()
    return found


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """Return the text of an object with these members set, added or (ABSENT) taken out.

    All other members, their order, the indentation and the line ends stay as they are.
    """
    old = members(text)
    style = _Style.of(text, old)
    parts: list[str] = []
    last = None
    for member in old:
        part = text[member.start : member.end]
        if member.key in changes:
            if changes[member.key] is ABSENT:
                last = member
                continue
            head = text[member.start : member.value_start]
            part = head + style.dumped(changes[member.key], text[member.value_start : member.end])
        if parts and last is not None:
            parts.append(text[last.end : member.start])
        parts.append(part)
        last = member
    known = {member.key for member in old}
    for key, value in changes.items():
        if key not in known and value is not ABSENT:
            name = json.dumps(key, ensure_ascii=style.ascii)
            parts += [style.gap] if parts else []
            parts.append(f"{name}: {style.dumped(value)}")
    if old:
        return text[: old[0].start] + "".join(parts) + text[old[-1].end :]
    inner = f"{style.newline}{style.indent}{''.join(parts)}\n" if parts else ""
    return text[: text.index("{") + 1] + inner + text[text.index("}") :]


def rendered(document: Mapping[str, Any]) -> str:
    """Return the text of a new file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class _Style:
    """How an object is written. `newline` is empty where it stands on one line."""

    newline: str
    indent: str
    inline_lists: bool
    ascii: bool

    @classmethod
    def of(cls, text: str, old: list[Member]) -> "_Style":
        before = text[text.index("{") + 1 : old[0].start] if old else "\n  "
        _, newline, indent = before.rpartition("\n")
        lists = [
            value for value in (text[one.value_start : one.end] for one in old) if value[0] == "["
        ]
        return cls(
            newline="\r\n" if "\r\n" in before else newline,
            indent=indent,
            inline_lists=any(len(value) > len("[]") for value in lists)
            and not any("\n" in value for value in lists),
            ascii="\\u" in text and text.removeprefix(BOM).isascii(),
        )

    @property
    def gap(self) -> str:
        """What stands between two members."""
        return f",{self.newline}{self.indent}" if self.newline else ", "

    def dumped(self, value: Any, was: str = "") -> str:
        """Return a value's text; `was` is that of the value it replaces."""
        inline = self.inline_lists
        if was.startswith("[") and len(was) > len("[]"):
            inline = "\n" not in was
        if not self.newline or (inline and isinstance(value, list)):
            return json.dumps(value, ensure_ascii=self.ascii)
        lines = json.dumps(value, indent=self.indent, ensure_ascii=self.ascii).split("\n")
        return f"{self.newline}{self.indent}".join(lines)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _check_depth(body: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(body):
        if token[0] in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                reason = f"objects and lists stand more than {MAX_DEPTH} deep in each other"
                raise FormatError(_line(body, token.start()), reason)
        elif token[0] in "}]":
            depth -= 1


def _check_escapes(body: str) -> None:
    """Raise FormatError for an escape of what no text in PostgreSQL can hold."""
    high_end = -1
    for escape in _ESCAPE.finditer(body):
        code = int(escape[1] or "20", 16)
        low = 0xDC00 <= code <= 0xDFFF
        if high_end >= 0 and not (low and escape.start() == high_end):
            raise FormatError(_line(body, high_end), "half a surrogate pair is escaped")
        if low and high_end < 0:
            raise FormatError(_line(body, escape.start()), "half a surrogate pair is escaped")
        if code == 0:
            raise FormatError(_line(body, escape.start()), "the character \\u0000 is not allowed")
        high_end = escape.end() if 0xD800 <= code <= 0xDBFF else -1
    if high_end >= 0:
        raise FormatError(_line(body, high_end), "half a surrogate pair is escaped")


def _refusal(body: str) -> FormatError:
    """Return why the decoder refused a text that is JSON up to there, and where."""
    seen: list[set[str]] = []
    end = 0
    for token in _TOKEN.finditer(body):
        for number in _numbers(body, end, token.start()):
            return FormatError(_line(body, number), "a number is too large or too long")
        end = token.end()
        if token[0] in "{[":
            seen.append(set())
        elif token[0] in "}]" and seen:
            seen.pop()
        elif token[0][0] == '"' and seen and _COLON.match(body, end):
            key = json.loads(token[0], strict=False)
            if key in seen[-1]:
                reason = f"the key {json.dumps(key, ensure_ascii=False)[:80]} stands twice"
                return FormatError(_line(body, token.start()), reason)
            seen[-1].add(key)
    for number in _numbers(body, end, len(body)):
        return FormatError(_line(body, number), "a number is too large or too long")
    return FormatError(1, "a number or a key cannot be stored")


def _numbers(body: str, start: int, end: int) -> Iterator[int]:
    """Yield where a number that is refused stands between two tokens."""
    for word in re.finditer(r"[^\s:]+", body[start:end]):
        try:
            json.loads(word[0], parse_int=_int, parse_float=_float, parse_constant=_constant)
        except json.JSONDecodeError:
            continue
        except _Refused:
            yield start + word.start()
