"""Make a dump that is whole or not there at all, and remove those that are too old."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup.archive import Archive, last_words
from backup.errors import BackupError
from backup.names import DumpName, checksum_file, dumps

# Marks a dump that is being made, or whose maker was killed.
UNFINISHED = ".unfinished-"
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Tools:
    """The commands that write a dump to standard output and read one from standard input."""

    pg_dump: Sequence[str]
    pg_restore: Sequence[str]


def make(folder: Path, stack: str, tools: Tools, keep: int | None) -> Path:
    """Write a dump of the stack's database into `folder`, with its checksum; return its path.

    `keep` is how many dumps of the stack stay (None: all). Raises `BackupError`; no half dump is
    left then, and one of a killed process goes at the next run.
    """
    try:
        with _alone_in(folder):
            for leftover in folder.glob(f"{UNFINISHED}*"):
                leftover.unlink()
            made = _finished(folder, stack, tools)
            if keep is not None:
                rotate(folder, stack, keep, made)
            return made
    except OSError as error:
        raise BackupError(f"{error.filename or folder}: {error.strerror}") from error


def rotate(folder: Path, stack: str, keep: int, never: Path) -> None:
    """Remove all but the newest `keep` dumps of the stack.

    `never` stays: it was just made and read back, whatever the clock said when the others were.
    What does not bear a dump's name or has no checksum is not ours to remove.
    """
    for _name, dump in dumps(folder, stack)[:-keep]:
        if dump != never:
            dump.unlink()
            checksum_file(dump).unlink()


def _finished(folder: Path, stack: str, tools: Tools) -> Path:
    begun = datetime.now(UTC).replace(microsecond=0)
    with _unfinished(folder) as work:
        with work.open("wb") as file:
            _run(tools.pg_dump, file.fileno())
            os.fsync(file.fileno())
        archive = Archive(work, tools.pg_restore)
        archive.verify()
        revision = archive.revision() or "empty"
        while (path := folder / str(DumpName(begun, stack, revision))).exists():
            begun += timedelta(seconds=1)
        with _unfinished(folder) as checksum:
            with checksum.open("w") as text:
                text.write(f"{sha256(work)}  {path.name}\n")
                text.flush()
                os.fsync(text.fileno())
            # First: a dump that is seen has its checksum.
            checksum.rename(checksum_file(path))
        work.rename(path)
    _sync(folder)
    return path


def sha256(file: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def check(dump: Path) -> bool:
    """Tell whether the dump has a checksum; raises `BackupError` if it does not match."""
    beside = checksum_file(dump)
    if not beside.is_file():
        return False
    said = beside.read_text(errors="replace").split()[:1]
    if said != [sha256(dump)]:
        raise BackupError(f"{dump.name} is damaged: it does not match its checksum in {beside}")
    return True


def _run(pg_dump: Sequence[str], output: int) -> None:
    done = subprocess.run(
        pg_dump,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise BackupError(f"pg_dump failed: {last_words(done.stderr)}")


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder, so that nobody's unfinished dump is taken for a killed one's.

    The kernel drops the lock when its holder ends, however it ends; it holds between a container
    and its host too.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """Give an empty file (mode 0600) of the folder's owner, gone at the end unless renamed."""
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
    try:
        owner = folder.stat()
        if os.geteuid() == 0:  # or the service could not read what root has made
            os.fchown(handle, owner.st_uid, owner.st_gid)
        os.close(handle)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
