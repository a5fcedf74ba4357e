"""The ontology's source on this machine: whether the stack can use it, and what it holds.

What of it is an ontology is for the importer to judge. Here every file counts but hidden ones: a
kind that the importer learns later must not go unnoticed.
"""

import hashlib
import os
import shlex
import stat
import tarfile
from collections.abc import Iterator
from errno import EACCES
from io import FileIO
from pathlib import Path

from infra.images import ROOT
from infra.problems import NOTHING, Problem, set_command, shown
from infra.settings import StackSettings

KEY = "ontologyPath"
# Folders of the kernel and of what runs; whoever reads /proc or /dev whole never ends.
_SYSTEM = ("/dev", "/proc", "/run", "/sys")
CHUNK = 64 * 1024  # small files, of which there are many, in one read


def source(settings: StackSettings) -> Path | None:
    """Return the absolute path of the source, without symbolic links; None if there is none.

    A container sees what a link led to at its start, so a link that was turned must be a change.
    """
    return (ROOT / settings.ontology_path).resolve() if settings.ontology_path else None


def problems(settings: StackSettings, uid: int) -> list[Problem]:
    """Return what keeps the user `uid` of a container from reading the source, if anything."""
    if not settings.ontology_path:
        return []
    # Not Path.resolve, which raises what is no OSError where links go in a circle.
    path = Path(os.path.realpath(ROOT / settings.ontology_path))
    mend = f"{set_command(KEY, NOTHING)}   (or another path)"
    try:
        path.stat()
        if _holds_more(path):
            reason = "holds what no container may see: give the ontology a folder of its own"
        elif not (path.is_dir() or (path.is_file() and tarfile.is_tarfile(path))):
            reason = "is neither a folder nor a tarball"
        elif refused := _unreadable(path, uid):
            raise PermissionError(EACCES, "", refused)
        else:
            return []
    except FileNotFoundError:
        reason = "does not exist" + " (nobody expands the ~)" * settings.ontology_path.startswith(
            "~"
        )
    except PermissionError as error:
        reason = f"{error.filename} must be readable for you and the containers' user ({uid})"
        mend = f"chmod -R o+rX {shlex.quote(str(path))}"
    except OSError as error:  # a name that is too long, links in a circle, a disk that fails
        reason = f"cannot be read: {error.strerror}"
    return [Problem(key=KEY, value=shown(settings.ontology_path), reason=reason, mend=mend)]


def _holds_more(path: Path) -> bool:
    """Tell whether more than an ontology would be mounted: this project's secrets, or a system's.

    `.hub` has the passphrase of all secrets; /run has the engine's socket.
    """
    return ROOT.is_relative_to(path) or any(
        path.is_relative_to(one) or Path(one).is_relative_to(path) for one in _SYSTEM
    )


def digest(path: Path) -> str:
    """Return a digest over the source at `path`: an equal one means that no import is due.

    A tarball counts by its bytes, a folder by the paths and content of its files and, if it is a
    git checkout, by its commit, which the rows carry. Times, modes and the rest of .git do not.
    """
    if path.is_file():
        return _content(path).hex()
    whole = hashlib.sha256(_commit(path / ".git").encode())
    for entry in _entries(path):
        if entry.is_symlink():
            # Not followed, for the same reason as below.
            content = hashlib.sha256(os.fsencode(Path(entry.path).readlink())).digest()
        elif entry.is_file():
            content = _content(entry.path)
        else:
            continue
        whole.update(os.fsencode(entry.path.removeprefix(str(path))) + b"\0" + content)
    return whole.hexdigest()


def inode(path: Path) -> str:
    """Return what tells the file or folder at `path` from one put into its place.

    A container keeps the one that was there at its start.
    """
    return str(path.stat().st_ino)


def _entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below that is not hidden, in an order that depends on names alone."""
    with os.scandir(folder) as listed:
        shown = sorted(
            (one for one in listed if not one.name.startswith(".")), key=lambda one: one.name
        )
    for entry in shown:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)


def _content(path: str | Path) -> bytes:
    content = hashlib.sha256()
    # Not hashlib.file_digest: its buffer of 256 KiB for each file doubles the time.
    with FileIO(path) as file:
        while chunk := file.read(CHUNK):
            content.update(chunk)
    return content.digest()


def _unreadable(path: Path, uid: int) -> str | None:
    """Return the first path at or below `path` that `uid` or this process may not read."""
    if not _may_read(path, path.stat(), uid):
        return str(path)
    if path.is_dir():
        for entry in _entries(path):
            # Where a link leads to is looked at by itself, or is out of the container's sight.
            if not entry.is_symlink() and not _may_read(entry, entry.stat(), uid):
                return entry.path
    return None


def _may_read(path: os.PathLike[str], status: os.stat_result, uid: int) -> bool:
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == uid else 0
    needed = 0o5 if stat.S_ISDIR(status.st_mode) else 0o4
    return (status.st_mode >> shift) & needed == needed and os.access(path, os.R_OK)


def _commit(git: Path) -> str:
    """Return the commit that is checked out, empty where none is found."""
    try:
        head = (git / "HEAD").read_text().strip()
        branch = head.removeprefix("ref: ")
        if branch == head:
            return head
        if (git / branch).is_file():
            return (git / branch).read_text().strip()
        packed = (git / "packed-refs").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split()[0] for line in packed if line.endswith(f" {branch}")), "")
