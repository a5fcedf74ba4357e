"""A copy of the toolchain, run as its user would run it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Clone:
    """A copy of toolchain/ with its own home, cache and PATH."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)

    def python(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the clone."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def setup(self, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the setup in the clone."""
        return self.python("-m", "toolchain", "setup", **env)

    def program(self, name: str, script: str) -> Path:
        """Put a shell script first on the clone's PATH."""
        path = self.root.parent / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        if not self.env["PATH"].startswith(str(path.parent)):
            self.env["PATH"] = f"{path.parent}:{self.env['PATH']}"
        return path


def make_clone(folder: Path) -> Clone:
    """Make a clone with an empty home and cache, in a folder with an awkward name."""
    root = folder / 'it\'s a "clone" of 100% $HOME'
    root.mkdir()
    shutil.copytree(
        ROOT / "toolchain", root / "toolchain", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "requirements.txt").write_text("")
    for part in ("app", "backup", "infra"):
        (root / part).mkdir()
        (root / part / "requirements.txt").write_text("")
    home = folder / "home"
    home.mkdir()
    foreign = ("PULUMI", "ONTOLOGY", "VIRTUAL_ENV", "DOCKER")
    env = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    env |= {
        "HOME": str(home),
        "ONTOLOGY_HUB_CACHE": str(folder / "cache"),
        "PATH": os.pathsep.join(
            one for one in env["PATH"].split(os.pathsep) if "ontology-hub" not in one
        ),
    }
    return Clone(root, env)
