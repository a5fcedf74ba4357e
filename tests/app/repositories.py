"""Git repositories for tests, made by the `git` program."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# A moment for the first commit; each step of a repository is a minute later than the one before.
FIRST = 1_700_000_000
MINUTE = 60


class Repository:
    """A repository with a work tree, on the branch `main`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = FIRST
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        """Run git in the repository; return what it prints."""
        return git(self.path, *arguments, now=self.now, given=given)

    def commit(self, changes: Mapping[str, Any]) -> str:
        """Write the files (None: remove; text as it is; else as JSON), commit, return the id."""
        self.now += MINUTE
        for name, content in changes.items():
            file = self.path / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(written(content))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")

    def add(self, files: Mapping[str, Any], name: str) -> None:
        """Commit just these files (as commit writes them), whatever was there, and tag the commit.

        The work tree stays behind: this is for histories of many commits.
        """
        self.now += MINUTE
        stream = [f"commit refs/tags/{name}", f"committer Ada <ada@example.org> {self.now} +0000"]
        stream += ["data 0", "deleteall"]
        for path, content in files.items():
            text = written(content)
            stream += [f"M 100644 inline {path}", f"data {len(text.encode())}", text]
        self.git("fast-import", "--quiet", "--force", given="\n".join([*stream, ""]).encode())

    def tag(self, name: str, message: str | None = None) -> None:
        """Tag HEAD: lightly, or with a message."""
        self.now += MINUTE
        self.git("tag", name, *(() if message is None else ("--annotate", "--message", message)))


def written(content: Any) -> str:
    """Return a file's text: a text as it is, all else as JSON."""
    return content if isinstance(content, str) else json.dumps(content, indent=2)


def git(path: Path, *arguments: str, now: int = FIRST, given: bytes | None = None) -> str:
    """Run git in a folder, without this machine's or user's settings."""
    moment = f"{now} +0200"
    variables = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_NAME": "Ada" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "ada@example.org" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_DATE": moment for role in ("AUTHOR", "COMMITTER")},
    }
    result = subprocess.run(
        # Whoever runs the tests may read a repository of another user's.
        ["git", "-c", "safe.directory=*", *arguments],
        cwd=path,
        env={**os.environ, **variables},
        input=given,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode().strip()
