"""Unified diffs: `git apply` turns the old tree into exactly the new one."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.drafts.unified import FileChange, unified
from tests.app.trees import apply, git, write_tree
from tests.app.work import calls

# Names as a source can have them: not only those that a draft may give.
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=6
).filter(lambda name: name not in (".", "..") and name.lower() != ".git")
TEXTS = st.one_of(
    st.just(""),
    st.text(st.sampled_from("ab\n\r\t\\ \u2028\x0bä🦆\x1c"), max_size=30),
    st.lists(st.sampled_from(["a", "b", "", "c\r"]), max_size=40).map("\n".join),
)
TREES = st.dictionaries(NAMES.map("folder/{}".format), TEXTS, max_size=4)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, TREES)
def test_applying_the_patch_to_the_old_tree_gives_the_new_one(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, str], new: dict[str, str]
) -> None:
    changes = [
        FileChange(path, old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    ]
    assume(all(len(path.encode()) < 250 for path in (*old, *new)))
    assert apply(tmp_path_factory.mktemp("tree"), old, unified(changes)) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, ""),
        ("", None),
        ("", "a"),
        ("a", ""),
        (None, "a\n"),
        ("a\n", "a"),
        ("a", "a\n"),
        ("a\r\nb\r\n", "a\r\nc\r\n"),
        ("a\nb\n", "a\r\nb\r\n"),
        ("\ufeffa\n", "\ufeffb\n"),
        ("\n".join("abcdefghij" * 3), "\n".join("abcdxfghij" * 3)),
    ],
)
@pytest.mark.parametrize("name", ["plain", "with space", 'ä"\\\t', "-n", "🦆"])
def test_the_patch_of_one_file_applies(
    tmp_path: Path, name: str, old: str | None, new: str | None
) -> None:
    path = f"categories/{name}"
    tree = {} if old is None else {path: old}
    patch = unified([FileChange(path, old, new)])
    assert apply(tmp_path, tree, patch) == ({} if new is None else {path: new})


@pytest.mark.parametrize("ends", [("", ""), ("\n", ""), ("", "\n"), ("\r\n", "\n")])
def test_the_patch_of_a_file_too_large_to_compare_applies(
    tmp_path: Path, ends: tuple[str, str]
) -> None:
    old, new = _interleaved(1500)
    old, new = old + ends[0], new + ends[1]
    patch = unified([FileChange("properties/large one", old, new)])
    assert patch.count("\n@@ ") == 1
    tree = {"properties/large one": old}
    assert apply(tmp_path, tree, patch) == {"properties/large one": new}


def test_the_work_on_a_file_grows_with_its_lines_and_not_with_their_square() -> None:
    def work(lines: int) -> int:
        old, new = _interleaved(lines)
        return calls(lambda: unified([FileChange("a", old, new)]))

    assert work(40_000) < 3 * work(20_000)


def _interleaved(lines: int) -> tuple[str, str]:
    """Return two texts of which every second line differs: the worst for comparing."""
    old, new = ("\n".join(f"{n}\n{side}{n}" for n in range(lines // 2)) for side in ("old", "new"))
    return old, new


def test_names_are_written_as_git_writes_them() -> None:
    patch = unified([FileChange("a/with space", "1\n", "2\n"), FileChange('a/ä"', None, "1\n")])
    assert "\n--- a/a/with space\t\n+++ b/a/with space\t\n" in patch  # else `patch` stops at it
    assert r'diff --git "a/a/\303\244\"" "b/a/\303\244\""' in patch


def test_the_patch_finds_its_way_in_a_repository_that_has_moved_on(tmp_path: Path) -> None:
    old = "".join(f"{n}\n" for n in range(12))
    patch = unified([FileChange("a", old, old.replace("2\n", "two\n", 1))])
    write_tree(tmp_path, {"a": old})
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a")
    git(tmp_path, *identity, "commit", "-qm", "old")
    moved = old.replace("3\n", "three\n", 1)
    write_tree(tmp_path, {"a": moved})
    git(tmp_path, *identity, "commit", "-qam", "moved")
    subprocess.run(["git", "apply", "--3way", "-"], cwd=tmp_path, input=patch.encode(), check=False)
    assert "<<<<<<<" in (tmp_path / "a").read_text()  # a conflict to solve, instead of a refusal
