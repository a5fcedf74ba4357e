"""Unified diffs that `git apply` turns into exactly the new files."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import NamedTuple

from dulwich.objects import Blob
from dulwich.patch import unified_diff

_NOTHING = b"0" * 40
# Comparing takes time by the square of the lines and more: some tenths of a second at this product
# of their numbers, many minutes for a draft's largest text. Definitions have tens of lines.
_MAX_COMPARED = 250_000

_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


class FileChange(NamedTuple):
    """A file's exact text before and after; None is the side where it does not exist."""

    path: str
    old: str | None
    new: str | None


def unified(changes: Iterable[FileChange]) -> str:
    """Return one diff of all the changes, each of which does change something."""
    return b"".join(_one(change) for change in changes).decode()


def _one(change: FileChange) -> bytes:
    old, new = _blob(change.old), _blob(change.new)
    a, b = _quoted(f"a/{change.path}"), _quoted(f"b/{change.path}")
    # The ids of the whole contents let `git apply --3way` find its way in a tree that has moved on.
    index = b"index %b..%b" % (
        old.id if old is not None else _NOTHING,
        new.id if new is not None else _NOTHING,
    )
    head = [b"diff --git %b %b\n" % (a, b)]
    if old is None:
        head += [b"new file mode 100644\n", index, b"\n"]
    elif new is None:
        head += [b"deleted file mode 100644\n", index, b"\n"]
    else:
        head += [index, b" 100644\n"]
    names = (
        _named(a) if old is not None else b"/dev/null",
        _named(b) if new is not None else b"/dev/null",
    )
    before, after = _lines(old), _lines(new)
    large = len(before) * len(after) > _MAX_COMPARED
    return b"".join([*head, *(_replaced if large else unified_diff)(before, after, *names)])


def _replaced(before: list[bytes], after: list[bytes], a: bytes, b: bytes) -> Iterator[bytes]:
    """Yield the diff that takes all lines out and puts all in; both sides have some."""
    yield b"--- %b\n+++ %b\n@@ -1,%d +1,%d @@\n" % (a, b, len(before), len(after))
    for sign, lines in ((b"-", before), (b"+", after)):
        for line in lines:
            yield sign + line
        if not lines[-1].endswith(b"\n"):
            yield b"\n\\ No newline at end of file\n"


def _blob(text: str | None) -> Blob | None:
    return None if text is None else Blob.from_string(text.encode())


def _lines(blob: Blob | None) -> list[bytes]:
    # For git only a line feed ends a line; `splitlines` would break at \r too.
    return BytesIO(blob.data).readlines() if blob is not None else []


def _named(name: bytes) -> bytes:
    # In these two lines git ends a name with a space in it by a tab.
    return name + b"\t" if b" " in name else name


def _quoted(name: str) -> bytes:
    """Return a file's name as git writes it: in quotes unless it is plain ASCII."""
    data = name.encode()
    if all(32 <= byte < 127 and byte not in _ESCAPES for byte in data):
        return data
    parts = []
    for byte in data:
        if byte in _ESCAPES:
            parts.append("\\" + _ESCAPES[byte])
        elif 32 <= byte < 127:
            parts.append(chr(byte))
        else:
            parts.append(f"\\{byte:03o}")
    return f'"{"".join(parts)}"'.encode()
