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
            file.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, message: str | None = None) -> None:
        """Tag HEAD: lightly, or with a message."""
        self.now += MINUTE
        self.git("tag", name, *(() if message is None else ("--annotate", "--message", message)))


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
