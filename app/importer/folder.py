"""Folders, and the working folders of git checkouts."""

import os
from collections.abc import Iterator
from pathlib import Path

from app.importer.checkout import Checkout
from app.importer.sources import MAX_FILE_BYTES, Found, ImportFailed, Place, Source, place_of, shown
from app.ontology.kinds import KIND_OF_FOLDER, SKIPPED_FOLDERS


class FolderSource(Source):
    """A folder that holds the kinds' folders; a git checkout's gives its commit and tag."""

    def __init__(self, root: Path) -> None:
        """Open it; raises ImportFailed where it holds no kind's folder."""
        super().__init__()
        self._root = root
        try:
            names = {entry.name for entry in os.scandir(root) if entry.is_dir()}
        except OSError as error:
            raise ImportFailed(f"{shown(root)} cannot be read: {error.strerror}") from None
        self._kinds = [name for name in KIND_OF_FOLDER if name in names]
        self._others = [name for name in SKIPPED_FOLDERS if name in names]
        if not self._kinds:
            kinds = ", ".join(KIND_OF_FOLDER)
            raise ImportFailed(f"{shown(root)} is no ontology: it has none of the folders {kinds}")
        self._checkout = Checkout.of(root)

    def files(self) -> Iterator[Found]:
        for folder in self._kinds:
            yield from self._items(folder)
        for folder in self._others:
            self._count(folder)
        if self._checkout is not None:
            self._name_commit(self._checkout)

    def _items(self, folder: str) -> Iterator[Found]:
        where = self._root / folder
        if not self._inside(where):
            raise ImportFailed(f"{shown(where)} is a link that leads out of {shown(self._root)}")
        try:
            # scandir is lazy: a list of 10^5 names would be held in memory.
            with os.scandir(where) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        self._count(f"{folder}/{entry.name}")
                        continue
                    path = f"{folder}/{entry.name}"
                    place = place_of(path)
                    if place is Place.ITEM:
                        yield self._item(path, entry)
                    elif place is Place.SKIPPED:
                        self.skipped["other"] += 1
        except OSError as error:
            raise ImportFailed(f"{shown(where)} cannot be read: {error.strerror}") from None

    def _item(self, path: str, entry: "os.DirEntry[str]") -> Found:
        try:
            if entry.is_symlink() and not self._inside(Path(entry.path)):
                return Found(shown(path), None, "this is a link that leads out of the source")
            # A pipe or device would block or never end.
            if not entry.is_file():
                return Found(shown(path), None, "this is no regular file")
            data = _read(entry.path)
        except OSError as error:
            return Found(shown(path), None, f"the file cannot be read: {error.strerror}")
        if self._checkout is not None:
            self._checkout.compare(path, data)
        if len(data) > MAX_FILE_BYTES:
            return Found(shown(path), None, f"the file is larger than {MAX_FILE_BYTES} bytes")
        return Found(shown(path), data)

    def _count(self, folder: str) -> None:
        kind = folder.partition("/")[0]
        for where, _, names in os.walk(self._root / folder):
            for name in names:
                path = Path(where, name).relative_to(self._root).as_posix()
                if place_of(path) is Place.SKIPPED:
                    self.skipped[kind if kind in SKIPPED_FOLDERS else "other"] += 1

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._root.resolve())

    def _name_commit(self, checkout: Checkout) -> None:
        if checkout.is_clean():
            self.commit_sha, self.name = checkout.commit_sha, checkout.tag
        else:
            self.notes.append(
                "the files differ from the checkout's commit, so none is recorded: commit them, or"
                " name a commit with --commit"
            )


def _read(path: str) -> bytes:
    """Return a regular file's bytes, at most one more than a file may have.

    By file descriptor: for files of some hundred bytes, what pathlib does around it takes longer.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, min(os.fstat(file).st_size, MAX_FILE_BYTES) + 1)
    finally:
        os.close(file)
