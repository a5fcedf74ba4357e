"""The history of a source that is a git repository."""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.versions.git_history import GitHistory
from app.versions.history import NoHistory, UnknownVersion, UnreadableHistory
from tests.app.histories import changed, files
from tests.app.repositories import FIRST, MINUTE, Repository, git

AGENT = files("categories/Agent")
PERSON = files("categories/Person", parent="Agent")


def versions(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(asyncio.run(GitHistory(path).versions()))
    return found


def diff(path: Path, old: str, new: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asyncio.run(GitHistory(path).diff(old, new)))
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with the tags v1 (light) and v2 (annotated), which has a category more."""
    made = Repository(tmp_path / "source")
    made.commit(AGENT)
    made.tag("v1")
    made.commit(PERSON)
    made.tag("v2", "Second release\n\nPeople come in.\n\nMore to follow.")
    return made


class TestVersions:
    def test_tags_are_versions_newest_first(self, repository: Repository) -> None:
        assert versions(repository.path) == [
            {
                "tag_name": "v2",
                "name": "Second release",
                "created_at": "2023-11-14T22:16:20+00:00",
                "published_at": "2023-11-14T22:17:20+00:00",
                "body": "People come in.\n\nMore to follow.",
            },
            {
                "tag_name": "v1",
                "name": None,
                "created_at": "2023-11-14T22:14:20+00:00",
                "published_at": None,
                "body": None,
            },
        ]

    def test_the_newest_thirty_are_listed(self, repository: Repository) -> None:
        for number in range(3, 34):
            repository.tag(f"v{number}", "A release")
        listed = [one["tag_name"] for one in versions(repository.path)]
        assert listed == [f"v{number}" for number in range(33, 3, -1)]

    def test_a_tag_of_something_else_than_a_commit_is_no_version(
        self, repository: Repository
    ) -> None:
        repository.git("tag", "readme", repository.git("rev-parse", "HEAD:categories/Agent.json"))
        assert [one["tag_name"] for one in versions(repository.path)] == ["v2", "v1"]

    def test_a_tag_whose_commit_is_gone_hides_no_other(self, repository: Repository) -> None:
        (repository.path / ".git/refs/tags/lost").write_text("1" * 40 + "\n")
        assert [one["tag_name"] for one in versions(repository.path)] == ["v2", "v1"]

    def test_a_repository_without_tags_has_no_versions(self, tmp_path: Path) -> None:
        made = Repository(tmp_path / "source")
        assert versions(made.path) == []
        made.commit(AGENT)
        assert versions(made.path) == []

    def test_a_tag_of_a_tag_is_a_version(self, repository: Repository) -> None:
        repository.now += MINUTE
        repository.git("tag", "outer", "v2", "--annotate", "--message", "Again")
        assert versions(repository.path)[0]["name"] == "Again"

    def test_a_time_beyond_all_calendars_is_no_fault(self, repository: Repository) -> None:
        commit = repository.git("cat-file", "commit", "HEAD").replace(
            str(repository.now - MINUTE), "99999999999999"
        )
        assert "99999999999999" in commit
        made = repository.git("hash-object", "-t", "commit", "-w", "--stdin", given=commit.encode())
        repository.git("tag", "future", made)
        assert versions(repository.path)[0]["created_at"] == "9999-12-31T00:00:00+00:00"


class TestNames:
    def test_a_version_is_a_tag_a_branch_or_a_commit(self, repository: Repository) -> None:
        repository.git("branch", "topic/one", "v2")
        sha = repository.git("rev-parse", "v2^{commit}")
        names = ["v2", "topic/one", "main", "HEAD", sha, sha.upper(), sha[:7], sha[:4]]
        for name in names:
            assert changed(diff(repository.path, "v1", name)) == {"added": {"categories/Person"}}

    def test_a_clone_knows_the_branches_of_its_origin(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.git("branch", "topic/one", "v2")
        git(tmp_path, "clone", "--quiet", "source", "clone")
        assert git(tmp_path / "clone", "branch") == "* main"
        found = changed(diff(tmp_path / "clone", "v1", "topic/one"))
        assert found == {"added": {"categories/Person"}}

    def test_a_tag_beats_a_branch_of_its_name(self, repository: Repository) -> None:
        repository.git("branch", "v1", "v2")
        assert changed(diff(repository.path, "v1", "v2")) == {"added": {"categories/Person"}}

    @pytest.mark.parametrize(
        "name",
        [
            *(
                "nothing",
                "v",
                "V1",
                "v1^",
                "v1~0",
                "HEAD~1",
                "main@{0}",
                "v1:categories",
                ":/A",
                "@",
            ),
            *(
                "refs/tags/v1",
                "tags/v1",
                "../tags/v1",
                "../../HEAD",
                "../heads/main",
                "..",
                ".",
                "/",
            ),
            *(
                "//v1",
                "v1/",
                "v1.lock",
                "heads",
                "topic",
                "deadbeef",
                "00000000",
                "f" * 64,
                "ü",
                " ",
            ),
            *("-v1", "\x00", "v1\n", "x" * 5000, "/etc/passwd"),
        ],
    )
    def test_whatever_else_is_no_version(self, repository: Repository, name: str) -> None:
        repository.git("branch", "topic/one")
        with pytest.raises(UnknownVersion, match=r"^old$"):
            diff(repository.path, name, "v1")
        with pytest.raises(UnknownVersion, match=r"^new$"):
            diff(repository.path, "v1", name)

    def test_the_beginning_of_two_commits_is_no_version(self, repository: Repository) -> None:
        one, other = _alike(repository)
        with pytest.raises(UnknownVersion):
            diff(repository.path, one[:4], "v1")
        for sha in (one, other):
            assert changed(diff(repository.path, sha, "v2")) == {}

    def test_the_beginning_of_a_commit_is_found_beside_that_of_a_file(
        self, repository: Repository
    ) -> None:
        sha = repository.git("rev-parse", "v2^{commit}")
        for number in range(100_000):
            content = str(number).encode()
            header = b"blob %d\x00" % len(content)
            if hashlib.sha1(header + content, usedforsecurity=False).hexdigest()[:4] == sha[:4]:
                repository.git("hash-object", "-w", "--stdin", given=content)
                break
        found = changed(diff(repository.path, "v1", sha[:4]))
        assert found == {"added": {"categories/Person"}}


def _alike(repository: Repository) -> tuple[str, str]:
    """Make two commits of v2's files whose ids begin with the same four digits."""
    tree = repository.git("rev-parse", "v2^{tree}")
    seen: dict[str, bytes] = {}
    for number in range(100_000):
        who = f"Ada <ada@example.org> {FIRST} +0000"
        text = f"tree {tree}\nauthor {who}\ncommitter {who}\n\n{number}\n".encode()
        header = b"commit %d\x00" % len(text)
        begin = hashlib.sha1(header + text, usedforsecurity=False).hexdigest()[:4]
        if begin in seen:
            both = [
                repository.git("hash-object", "-t", "commit", "-w", "--stdin", given=one)
                for one in (seen[begin], text)
            ]
            return both[0], both[1]
        seen[begin] = text
    raise AssertionError("no two begin alike")


def _bare(repository: Repository) -> Path:
    git(repository.path.parent, "clone", "--quiet", "--bare", "source", "bare.git")
    return repository.path.parent / "bare.git"


def _packed(repository: Repository) -> Path:
    repository.git("gc", "--quiet", "--aggressive")
    assert (repository.path / ".git/packed-refs").exists()
    assert not list((repository.path / ".git/refs").rglob("v*"))
    assert not list((repository.path / ".git/objects").glob("??"))
    return repository.path


def _worktree(repository: Repository) -> Path:
    repository.git("worktree", "add", "--quiet", "../second", "v1")
    assert (repository.path.parent / "second/.git").is_file()
    return repository.path.parent / "second"


def _shallow(repository: Repository) -> Path:
    # A file path would be hard-linked, whole.
    address = f"file://{repository.path}"
    git(repository.path.parent, "clone", "--quiet", "--depth=1", address, "shallow")
    path = repository.path.parent / "shallow"
    git(path, "fetch", "--quiet", "--depth=1", "origin", "tag", "v1", "tag", "v2")
    assert (path / ".git/shallow").exists()
    return path


def _alternates(repository: Repository) -> Path:
    git(repository.path.parent, "clone", "--quiet", "--shared", "source", "borrower")
    return repository.path.parent / "borrower"


def _somebody_elses(repository: Repository) -> Path:
    for folder, _, names in os.walk(repository.path):
        for name in ("", *names):
            path = Path(folder, name)
            path.chmod(path.stat().st_mode & 0o555)
            if os.geteuid() == 0:
                os.chown(path, 65534, 65534)
    return repository.path


Layout = Callable[[Repository], Path]


class TestLayouts:
    @pytest.fixture(autouse=True)
    def _writable_again(self, tmp_path: Path) -> Iterator[None]:
        yield
        for folder, _, _ in os.walk(tmp_path):
            Path(folder).chmod(0o755)

    @pytest.mark.parametrize(
        "layout", [_bare, _packed, _worktree, _shallow, _alternates, _somebody_elses]
    )
    def test_is_read_and_nothing_is_written(self, repository: Repository, layout: Layout) -> None:
        path = layout(repository)
        before = _contents(path)
        assert [one["tag_name"] for one in versions(path)] == ["v2", "v1"]
        assert changed(diff(path, "v1", "v2")) == {"added": {"categories/Person"}}
        assert _contents(path) == before

    def test_what_has_been_tagged_meanwhile_is_seen(self, repository: Repository) -> None:
        history = GitHistory(repository.path)
        assert len(json.loads(asyncio.run(history.versions()))) == 2
        repository.git("gc", "--quiet")
        repository.tag("v3")
        assert len(json.loads(asyncio.run(history.versions()))) == 3


def _contents(path: Path) -> dict[str, tuple[int, int]]:
    return {str(file): (file.lstat().st_mtime_ns, file.lstat().st_size) for file in path.rglob("*")}


class TestNoHistory:
    @pytest.fixture
    def nothing(self, tmp_path: Path) -> dict[str, Path]:
        folder = tmp_path / "folder"
        (folder / "categories").mkdir(parents=True)
        archive = tmp_path / "source.tar.gz"
        archive.write_bytes(b"no repository")
        orphan = tmp_path / "orphan"
        orphan.mkdir()
        (orphan / ".git").write_text("gitdir: /nowhere/.git/worktrees/orphan\n")
        missing = tmp_path / "missing"
        return {"folder": folder, "archive": archive, "orphan": orphan, "missing": missing}

    @pytest.mark.parametrize("what", ["folder", "archive", "orphan", "missing"])
    def test_what_is_no_repository_has_no_history(
        self, nothing: dict[str, Path], what: str
    ) -> None:
        with pytest.raises(NoHistory):
            versions(nothing[what])
        with pytest.raises(NoHistory):
            diff(nothing[what], "v1", "v2")

    def test_a_folder_within_a_repository_is_none(self, repository: Repository) -> None:
        with pytest.raises(NoHistory):
            versions(repository.path / "categories")

    def test_a_damaged_repository_is_said_to_be_damaged(self, repository: Repository) -> None:
        shutil.rmtree(repository.path / ".git/objects")
        (repository.path / ".git/objects").mkdir()
        with pytest.raises(UnreadableHistory, match="damaged"):
            diff(repository.path, "v1", "v2")

    def test_a_repository_that_fetches_on_demand_is_said_to_be_unreadable(
        self, repository: Repository
    ) -> None:
        repository.git("config", "core.repositoryformatversion", "1")
        repository.git("config", "extensions.partialClone", "origin")
        with pytest.raises(UnreadableHistory, match="of a kind"):
            versions(repository.path)
