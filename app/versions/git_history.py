"""The history of a source that is a git repository, read without git."""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, NamedTuple, TypeVar

from dulwich.errors import NotGitRepository
from dulwich.object_store import peel_sha
from dulwich.objects import Blob, Commit, ObjectID, Tag, Tree
from dulwich.objectspec import AmbiguousShortId, scan_for_short_id
from dulwich.refs import Ref, check_ref_format
from dulwich.repo import Repo

from app.formats import FormatError, decode, read
from app.importer.sources import MAX_FILE_BYTES
from app.ontology.kinds import KIND_OF_FOLDER
from app.versions.comparison import Document, ItemKey, changes, item_key
from app.versions.history import NEWEST, NoHistory, UnknownVersion, UnreadableHistory
from app.versions.revision import is_abbreviation

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Where a name is looked up; a clone has most branches as its origin's only.
_PLACES = ("tags", "heads", "remotes/origin")

_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


class _Blob(NamedTuple):
    path: str
    sha: ObjectID


class _File(NamedTuple):
    path: str
    data: bytes


_Files = tuple[_File | None, _File | None]


class GitHistory:
    """A repository, bare or with a work tree, whose tags are its releases; see History.

    The repository is only read, may belong to somebody else, and is opened anew each time, so that
    an answer shows what is there now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def versions(self) -> str:
        """As History says: each tag, with the message and time of an annotated one."""
        # A thread: reading is work for disk and processor, and the event loop serves all others.
        return await asyncio.to_thread(lambda: _text(self._read(_versions)))

    async def diff(self, old: str, new: str) -> str:
        """As History says; `old` and `new` are tags, branches or (the beginnings of) commit ids."""
        return await asyncio.to_thread(self._diff, old, new)

    def _diff(self, old: str, new: str) -> str:
        pairs = self._read(lambda repo: _differing(repo, old, new))
        said = {item: (_document(before), _document(after)) for item, (before, after) in pairs}
        return _text({"old_version": old, "new_version": new, **changes(said)})

    def _read(self, question: Callable[[Repo], T]) -> T:
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
            reason = f"{type(error).__name__}: {error}"
            logger.error("the source's git repository cannot be read", extra={"reason": reason})
            raise UnreadableHistory(
                "The git repository of the ontology's source is damaged, incomplete or of a kind"
                " that the hub cannot read."
            ) from error


def _versions(repo: Repo) -> list[dict[str, Any]]:
    found = []
    for name, sha in repo.refs.as_dict(Ref(b"refs/tags")).items():
        if sha not in repo.object_store:
            continue  # as git itself: one lost tag hides no other
        tag, target = peel_sha(repo.object_store, sha)
        if isinstance(target, Commit):
            found.append(_version(name.decode(errors="replace"), tag, target))
    found.sort(key=lambda one: (one["published_at"] or one["created_at"], one["tag_name"]))
    return found[: -NEWEST - 1 : -1]


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


def _differing(repo: Repo, old: str, new: str) -> list[tuple[ItemKey, _Files]]:
    before = _files(repo, _commit(repo, old, "old"))
    after = _files(repo, _commit(repo, new, "new"))
    # Equal blobs say the same: only what differs is read.
    return [
        (item, (_contents(repo, before.get(item)), _contents(repo, after.get(item))))
        for item in before.keys() | after.keys()
        if before.get(item) != after.get(item)
    ]


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
    if not isinstance(found, kind):
        raise TypeError(f"{sha.decode()} is a {found.type_name.decode()}")
    return found


def _files(repo: Repo, commit: Commit) -> dict[ItemKey, _Blob]:
    """Return the commit's files of the five kinds: those two parts deep, as the importer reads."""
    found: dict[ItemKey, _Blob] = {}
    root = _of_kind(repo, commit.tree, Tree)
    for folder in KIND_OF_FOLDER:
        if folder.encode() not in root:
            continue
        mode, folder_sha = root[folder.encode()]
        if not S_ISDIR(mode):
            continue
        for entry in _of_kind(repo, folder_sha, Tree).iteritems():
            path = f"{folder}/{entry.path.decode(errors='replace')}"
            item = item_key(path) if S_ISREG(entry.mode) else None
            if item is not None:
                found.setdefault(item, _Blob(path, entry.sha))
    return found


def _contents(repo: Repo, blob: _Blob | None) -> _File | None:
    if blob is None:
        return None
    data = _of_kind(repo, blob.sha, Blob).data
    return _File(blob.path, data) if len(data) <= MAX_FILE_BYTES else None


def _document(file: _File | None) -> Document | None:
    """Return what the file says; None where there is none, or none that the importer can read."""
    if file is None:
        return None
    try:
        return read(file.path, decode(file.data)).document
    except FormatError:
        return None


def _text(answer: object) -> str:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
