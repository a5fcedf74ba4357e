"""Tarballs: read as a stream, twice, and never unpacked to a disk.

First the whole archive is looked through: whether it can be read to its end, whether it holds
anything that an ontology has no use for, and which of its folders is the root. Only then is it
read, so that a broken one is refused before a database is asked.
"""

import bz2
import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from app.importer.sources import MAX_FILE_BYTES, Found, ImportFailed, Place, Source, place_of, shown
from app.ontology.kinds import KIND_OF_FOLDER, SKIPPED_FOLDERS

MAX_MEMBERS = 2_000_000
MAX_UNPACKED_BYTES = 2 * 1024**3
# Text packs 5 to 50 times; a bomb 1,000 times and more. Below the first number any ratio is fine.
FREE_BYTES = 32 * 1024**2
MAX_RATIO = 250
MAX_HEADER_BYTES = 64 * 1024

_PACKERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_READ_ERRORS = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, ValueError)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_COMMIT_OF_FOLDER = re.compile(r".+-([0-9a-f]{7}|[0-9a-f]{40})")


class TarSource(Source):
    """A .tar, plain or packed with gzip, bzip2 or xz, with or without one folder around all.

    GitHub's tarballs name their commit in a comment or by that folder.
    """

    def __init__(self, path: Path) -> None:
        """Look through the archive; raises ImportFailed where it is not to be read."""
        super().__init__()
        self._path = path
        self._top = ""
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise ImportFailed(f"{shown(path)} cannot be read: {error.strerror}") from None
        try:
            self._look_through()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def files(self) -> Iterator[Found]:
        with self._members() as (archive, members):
            for member, name in members:
                path = name.removeprefix(self._top)
                if (path == name and self._top) or not member.isfile():
                    continue
                place = place_of(path)
                if place is Place.SKIPPED:
                    folder = path.partition("/")[0]
                    self.skipped[folder if folder in SKIPPED_FOLDERS else "other"] += 1
                elif place is Place.ITEM and member.size > MAX_FILE_BYTES:
                    reason = f"the file is larger than {MAX_FILE_BYTES} bytes"
                    yield Found(shown(path), None, reason)
                elif place is Place.ITEM:
                    file = archive.extractfile(member)
                    data = file.read() if file is not None else b""
                    if len(data) != member.size:
                        raise self._unreadable("it ends too early")
                    yield Found(shown(path), data)

    def _look_through(self) -> None:
        """Check every member and find the root and the commit."""
        rooted, known = False, False
        tops: set[str] = set()
        comment = ""
        with self._members() as (archive, members):
            for member, name in members:
                self._check(member, name)
                first, _, rest = name.partition("/")
                rooted = rooted or (first in KIND_OF_FOLDER and (bool(rest) or member.isdir()))
                known = known or rest.partition("/")[0] in KIND_OF_FOLDER
                if name and len(tops) < 2:
                    tops.add(first)
            comment = archive.pax_headers.get("comment", "")
        if not rooted and not (known and len(tops) == 1):
            kinds = ", ".join(KIND_OF_FOLDER)
            raise ImportFailed(
                f"{shown(self._path)} is no ontology: it has none of the folders {kinds}, neither"
                " at its top nor in one folder around all"
            )
        top = "" if rooted else tops.pop()
        self._top = f"{top}/" if top else ""
        folder = _COMMIT_OF_FOLDER.fullmatch(top)
        if _COMMIT.fullmatch(comment):
            self.commit_sha = comment
        elif folder is not None:
            self.commit_sha = folder[1]

    def _check(self, member: tarfile.TarInfo, name: str) -> None:
        whole = shown(self._path)
        what = shown(member.name)[:200]
        if member.name.startswith("/") or ".." in PurePosixPath(member.name).parts:
            raise ImportFailed(f"{whole} is refused: {what} would climb out of the archive")
        if member.issym() or member.islnk():
            raise ImportFailed(f"{whole} is refused: {what} is a link; pack without links")
        # Also because tarfile steps over what a header claims, even where nothing is there.
        if not 0 <= member.size <= MAX_UNPACKED_BYTES:
            raise ImportFailed(f"{whole} is refused: {what} claims an impossible size")
        if not (member.isfile() or member.isdir()) or member.issparse():
            raise ImportFailed(f"{whole} is refused: {what} is neither a file nor a folder")

    @contextmanager
    def _members(self) -> Iterator[tuple[tarfile.TarFile, Iterator[tuple[tarfile.TarInfo, str]]]]:
        """Open the archive from its beginning; errors of reading become ImportFailed."""
        try:
            self._file.seek(0)
            start = self._file.read(6)
            self._file.seek(0)
            if start.startswith(b"PK"):
                raise self._unreadable("it is a zip file, not a tarball")
            packer: Any = next(
                (open_ for magic, open_ in _PACKERS.items() if start.startswith(magic)), None
            )
            stream: Any = packer(self._file) if packer is not None else self._file
            bounded: Any = _Bounded(stream, self._path)
            with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_Header) as archive:
                yield archive, self._walk(archive)
        except _READ_ERRORS as error:
            raise self._unreadable(str(error) or type(error).__name__) from None

    def _walk(self, archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, str]]:
        count = 0
        while (member := archive.next()) is not None:
            # A TarFile remembers every member it has met.
            archive.members.clear()  # type: ignore[attr-defined]
            count += 1
            if count > MAX_MEMBERS:
                raise ImportFailed(f"{shown(self._path)} has more than {MAX_MEMBERS} members")
            name = member.name.rstrip("/").removeprefix("./")
            yield member, "" if name == "." else name
        self._check_end(archive)

    def _check_end(self, archive: tarfile.TarFile) -> None:
        """Make sure that it is the archive's end, not a damaged or missing header.

        tarfile takes both for the end. Reading on also lets the unpacker compare its checksum.
        """
        rest = 0
        while data := archive.fileobj.read(64 * 1024):
            if data.strip(b"\0"):
                raise self._unreadable("a header in it is damaged")
            rest += len(data)
        if rest < tarfile.BLOCKSIZE:
            raise self._unreadable("it ends too early")

    def _unreadable(self, reason: str) -> ImportFailed:
        reason = " ".join(reason.split())[:200]
        return ImportFailed(f"{shown(self._path)} cannot be read as a tarball: {reason}")


class _Header(tarfile.TarInfo):
    """A member's header; refuses what tarfile would read into memory whatever its size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        regular = header.type in tarfile.SUPPORTED_TYPES and header.type not in tarfile.GNU_TYPES
        if header.size < 0 or (not regular and header.size > MAX_HEADER_BYTES):
            raise tarfile.ReadError("a header in it is too large")
        return header


class _Bounded:
    """Reads an unpacked stream as far as its size keeps in proportion to the packed one's."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._packed = path.stat().st_size
        self._unpacked = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._unpacked += len(data)
        bomb = self._unpacked > FREE_BYTES and self._unpacked > MAX_RATIO * self._packed
        if bomb or self._unpacked > MAX_UNPACKED_BYTES:
            raise ImportFailed(
                f"{shown(self._path)} is refused: it unpacks to more than"
                f" {self._unpacked // 1024**2 - 1} MiB from {self._packed} bytes"
            )
        return data
