"""Git checkouts: which commit and tag they are at, and whether their files are that commit's."""

from pathlib import Path
from typing import Self

from app.formats import is_item_path
from app.ontology.kinds import KIND_OF_FOLDER

# dulwich is imported where it is needed: that takes as long as to read a small ontology.


class Checkout:
    """What HEAD is: its commit and, of the tags that name it, the last by name.

    `blobs` are the ids of the commit's items by their paths.
    """

    def __init__(self, commit_sha: str, tag: str | None, blobs: dict[str, bytes]) -> None:
        self.commit_sha = commit_sha
        self.tag = tag
        self._blobs = blobs
        self._clean = True

    @classmethod
    def of(cls, root: Path) -> Self | None:
        """Return the checkout in a folder; None where it is none, or has no commit."""
        if not (root / ".git").exists():
            return None
        from dulwich.errors import NotGitRepository
        from dulwich.objects import Commit, Tree
        from dulwich.refs import Ref
        from dulwich.repo import Repo

        blobs: dict[str, bytes] = {}
        try:
            with Repo(str(root)) as repository:
                head = repository.head()
                names = [
                    name
                    for name in repository.refs.subkeys(Ref(b"refs/tags"))
                    if repository.get_peeled(Ref(b"refs/tags/" + name)) == head
                ]
                commit = repository[head]
                tree = repository[commit.tree] if isinstance(commit, Commit) else None
                for top in tree.items() if isinstance(tree, Tree) else ():
                    folder = repository[top.sha] if top.path.decode() in KIND_OF_FOLDER else None
                    for entry in folder.items() if isinstance(folder, Tree) else ():
                        name = (top.path + b"/" + entry.path).decode("utf-8", "surrogateescape")
                        if is_item_path(name):
                            blobs[name] = entry.sha
        except (NotGitRepository, KeyError, OSError):
            return None
        tag = max(names).decode("utf-8", "replace") if names else None
        return cls(head.decode(), tag, blobs)

    def compare(self, path: str, data: bytes) -> None:
        """Take note of whether a file of the folder is the commit's."""
        from dulwich.objects import Blob

        if self._blobs.pop(path, None) != Blob.from_string(data).id:
            self._clean = False

    def is_clean(self) -> bool:
        """Whether exactly the commit's files have been compared, and all were the same."""
        return self._clean and not self._blobs
