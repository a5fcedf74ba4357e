"""Where the toolchain keeps its things."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HUB = ROOT / ".hub"
VENV = ROOT / ".venv"
SOURCES = ROOT / "toolchain"


def cache() -> Path:
    """Return the cache folder, outside the work tree and shared by all clones of this user."""
    if chosen := os.environ.get("ONTOLOGY_HUB_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "ontology-hub"


def pulumi_home() -> Path:
    """Return the PULUMI_HOME of a CLI that this toolchain has brought itself."""
    return cache() / "home"
