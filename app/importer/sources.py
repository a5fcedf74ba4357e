"""What an import reads from: a folder, a git checkout or a tarball, one file at a time."""

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from app.formats import is_item_path
from app.ontology.kinds import KIND_OF_FOLDER, SKIPPED_FOLDERS

# A definition has a few hundred bytes.
MAX_FILE_BYTES = 1024 * 1024


class ImportFailed(Exception):
    """The import as a whole cannot be done and has changed nothing; the text is one line."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a definition, module or profile: its bytes or, in one sentence, why it has none.

    `path` is relative to the source's root, with slashes.
    """

    path: str
    data: bytes | None
    fault: str = ""


class Place(Enum):
    """What a path in a source means to an import."""

    ITEM = auto()
    SKIPPED = auto()  # what the hub has no place for: counted
    IGNORED = auto()


def place_of(path: str) -> Place:
    """Return what a file's path, relative to the source's root, means."""
    folder, *rest = path.split("/")
    known = folder in KIND_OF_FOLDER or folder in SKIPPED_FOLDERS
    if not known or not rest or "versions" in rest[:-1]:
        return Place.IGNORED
    if rest[-1].startswith(".") or rest[-1] == "_schema.json":
        return Place.IGNORED
    return Place.ITEM if is_item_path(path) else Place.SKIPPED


class Source(ABC):
    """A source that is open for one import. `commit_sha` and `name` are known after `files`.

    `skipped` counts, by folder, the files that the hub has no place for; `notes` are sentences for
    whoever runs the import.
    """

    def __init__(self, commit_sha: str | None = None, name: str | None = None) -> None:
        self.commit_sha = commit_sha
        self.name = name
        self.skipped: Counter[str] = Counter()
        self.notes: list[str] = []

    @abstractmethod
    def files(self) -> Iterator[Found]:
        """Yield each definition, module and profile, in no order; raises ImportFailed."""

    def close(self) -> None:  # noqa: B027  # a folder has nothing open
        """Let go of what is open."""


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as text that can be stored: file names need not be UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace").replace("\0", "\ufffd")
