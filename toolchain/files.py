"""Files that must never be seen half written, and locks between two setups at once."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from toolchain import console

TEMPORARY = ".tmp-"  # marks what a killed setup leaves behind; see clean_up


def write(path: Path, content: bytes, mode: int = 0o644) -> bool:
    """Put a file in place by a rename; return whether anything had to be changed."""
    if path.is_file() and path.read_bytes() == content and path.stat().st_mode & 0o777 == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it gets its name only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=path.parent))
    try:
        work.chmod(0o755)
        yield work
        if path.exists():  # damaged, or it would not be made anew
            shutil.rmtree(path)
        work.rename(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a folder for one process at a time, and remove what killed ones left in it.

    The kernel drops the lock when its holder ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say(f"another setup is at work in {folder}: waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        clean_up(folder)
        yield


def clean_up(folder: Path) -> None:
    """Remove half-made things; only safe while the folder's lock is held."""
    for leftover in folder.glob(f"{TEMPORARY}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def digest(paths: Iterable[Path], root: Path, *extra: str) -> str:
    """Return a SHA-256 over the names and contents of the files that exist, and some words."""
    total = hashlib.sha256("\0".join(extra).encode())
    for path in sorted(paths):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(root)}\0{content}\n".encode())
    return total.hexdigest()
