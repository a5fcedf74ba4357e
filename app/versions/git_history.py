"""The history of a source that is a git repository, read without git."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, TypeVar

from dulwich.errors import NotGitRepository
from dulwich.object_store import peel_sha
from dulwich.objects import Blob, Commit, ObjectID, Tag, Tree
from dulwich.objectspec import AmbiguousShortId, scan_for_short_id
from dulwich.refs import Ref, check_ref_format
from dulwich.repo import Repo

from app.ontology.kinds import KIND_OF_FOLDER
from app.versions.comparison import Document, ItemKey, Pair, changes
from app.versions.history import NEWEST, NoHistory, UnknownVersion, UnreadableHistory
from app.versions.revision import is_abbreviation

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Where a name is looked up; a clone has most branches as its origin's only.
_PLACES = ("tags", "heads", "remotes/origin")

_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


class GitHistory:
    """A repository, bare or with a work tree, whose tags are its releases; see History.

    The repository is only read, may belong to somebody else, and is opened anew each time, so that
    an answer shows what is there now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def versions(self) -> str:
        """As History says: each tag, with the message and time of an annotated one."""
        return await self._read(_versions)

    async def diff(self, old: str, new: str) -> str:
        """As History says; `old` and `new` are tags, branches or (the beginnings of) commit ids."""
        return await self._read(lambda repo: _diff(repo, old, new))

    async def _read(self, question: Callable[[Repo], T]) -> T:
        # Reading packs is file and processor work: on the event loop all other requests would wait.
        return await asyncio.to_thread(self._ask, question)

    def _ask(self, question: Callable[[Repo], T]) -> T:
        try:
            with Repo(self._path) as repo:
                if not Path(repo.object_store.path).is_dir():
                    # A work tree whose `.git` file names a folder that is not here.
                    raise NotGitRepository(self._path)
                return question(repo)
        except NotGitRepository:
            raise NoHistory from None
        except UnknownVersion:
            raise
        except Exception as error:
            # Anything: dulwich meets damaged files with whatever its parsers stumble over.
            logger.exception("the source's git repository cannot be read")
            raise UnreadableHistory(
                "The git repository of the ontology's source is damaged, incomplete or of a kind"
                " that the hub cannot read."
            ) from error


def _versions(repo: Repo) -> str:
    found = []
    for name, sha in repo.refs.as_dict(Ref(b"refs/tags")).items():
        if sha not in repo.object_store:
            continue  # as git itself: one lost tag hides no other
        tag, target = peel_sha(repo.object_store, sha)
        if isinstance(target, Commit):
            found.append(_version(name.decode(errors="replace"), tag, target))
    found.sort(key=lambda one: (one["published_at"] or one["created_at"], one["tag_name"]))
    return json.dumps(found[: -NEWEST - 1 : -1], ensure_ascii=False)


def _version(name: str, tag: object, commit: Commit) -> dict[str, Any]:
    published = title = body = None
    if isinstance(tag, Tag):
        published = None if tag.tag_time is None else _time(tag.tag_time)
        title, _, body = (tag.message or b"").decode(errors="replace").strip().partition("\n")
    return {
        "tag_name": name,
        "name": title or None,
        "created_at": _time(commit.commit_time),
        "published_at": published,
        "body": (body or "").strip() or None,
    }


def _time(seconds: int) -> str:
    # git takes any number for a time.
    return datetime.fromtimestamp(min(max(seconds, 0), _LAST_SECOND), UTC).isoformat()


def _diff(repo: Repo, old: str, new: str) -> str:
    before = dict(_files(repo, _commit(repo, old, "old")))
    after = dict(_files(repo, _commit(repo, new, "new")))
    # Equal blobs say the same: only what differs is read.
    pairs: dict[ItemKey, Pair] = {
        item: (_document(repo, before.get(item)), _document(repo, after.get(item)))
        for item in before.keys() | after.keys()
        if before.get(item) != after.get(item)
    }
    answer = {"old_version": old, "new_version": new, **changes(pairs)}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def _commit(repo: Repo, name: str, parameter: str) -> Commit:
    for place in _PLACES:
        below_refs = Ref(f"{place}/{name}".encode())
        # The name becomes a file's path: nothing that climbs out may pass.
        if check_ref_format(below_refs) and (ref := Ref(b"refs/" + below_refs)) in repo.refs:
            _, target = peel_sha(repo.object_store, repo.refs[ref])
            if isinstance(target, Commit):
                return target
    if name == "HEAD":
        return _of_kind(repo, repo.head(), Commit)
    if is_abbreviation(name):
        try:
            found = scan_for_short_id(repo.object_store, name.lower().encode(), Commit)
        except (KeyError, AmbiguousShortId):
            raise UnknownVersion(parameter) from None
        assert isinstance(found, Commit)  # noqa: S101  # what was asked for
        return found
    raise UnknownVersion(parameter)


def _of_kind(repo: Repo, sha: ObjectID, kind: type[T]) -> T:
    found = repo.object_store[sha]
    assert isinstance(found, kind)
    return found


def _files(repo, commit):
    return iter(())


def _document(repo, file):
    return None
