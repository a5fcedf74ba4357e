"""A stack that an older release of this repository has made is brought up to date by `make up`.

OLDER_RELEASE names another tag or commit than the first release.
"""

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.kept import assert_intact, assert_kept
from tests.stack.load import UNLIMITED, load
from tests.stack.operations import follow
from tests.stack.stack_under_test import ROOT, Stack

# v0.1.0, told by its commit: a clone need not have the tags.
RELEASE = os.environ.get("OLDER_RELEASE", "0e97493")


@pytest.fixture(params=["dev", "baked"])
def stack(new_stack: Callable[[], Stack], request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload=str(request.param == "dev").lower(), **UNLIMITED)
    yield stack
    stack.hub("down")
    assert not any(stack.objects().values())


@pytest.fixture
def older(stack: Stack, tmp_path: Path) -> Stack:
    """Return the same stack as driven from the older release's tree."""
    archive = tmp_path / "release.tar"
    made = subprocess.run(
        ["git", "archive", f"--output={archive}", RELEASE], cwd=ROOT, capture_output=True, text=True
    )
    if made.returncode != 0:
        pytest.skip(
            f"no older release {RELEASE} in this clone (git fetch --unshallow): {made.stderr}"
        )
    tree = tmp_path / "tree"
    shutil.unpack_archive(archive, tree, filter="data")
    # What a user's clone has beside the code, and `git checkout` leaves alone.
    shutil.copytree(stack.root / ".hub", tree / ".hub", ignore=shutil.ignore_patterns("state"))
    (tree / ".venv").symlink_to(ROOT / ".venv")
    move_config(stack, stack.root, tree)
    return dataclasses.replace(stack, root=tree)


def move_config(stack: Stack, source: Path, target: Path) -> None:
    name = f"Pulumi.{stack.name}.yaml"
    (source / name).rename(target / name)


def test_an_older_stack_is_brought_up_to_date_with_its_data(older: Stack, stack: Stack) -> None:
    older.hub("up")
    older.psql("insert into modules (module_id, label) values ('kept', 'Kept')")
    with load(older.api_url) as seen:
        seen.goes_on()
    move_config(stack, older.root, stack.root)
    follow(stack, "A newer release of the hub is there")
    assert set(stack.health().values()) == {"healthy"}
    assert stack.get("/health")[0] == 200
    assert stack.psql("select label from modules where module_id = 'kept'") == "Kept"
    assert_kept(stack, seen)
    assert_intact(stack)
    stack.unchanged()
