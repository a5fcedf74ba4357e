"""Trees of files, and what git makes of them."""

import subprocess
from collections.abc import Mapping
from pathlib import Path


def git(folder: Path, *arguments: str, given: bytes | None = None) -> None:
    """Run git in the folder; fails with what git says."""
    result = subprocess.run(
        ["git", "-c", "core.autocrlf=false", *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
    )
    assert result.returncode == 0, result.stderr.decode()


def write_tree(folder: Path, tree: Mapping[str, str]) -> None:
    """Write texts by their paths below the folder."""
    for path, text in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())


def read_tree(folder: Path) -> dict[str, str]:
    """Return the texts of all files below the folder by their paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes().decode()
        for path in folder.rglob("*")
        if path.is_file()
    }


def apply(folder: Path, old: Mapping[str, str], patch: str) -> dict[str, str]:
    """Return what `git apply` makes of a tree."""
    write_tree(folder, old)
    if patch:
        git(folder, "apply", "--whitespace=nowarn", "-", given=patch.encode())
    return read_tree(folder)
