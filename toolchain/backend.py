"""Where Pulumi keeps this project's state, if that is a folder of this machine."""

import contextlib
import os
from pathlib import Path
from urllib.parse import unquote

from toolchain.environment import logged_in
from toolchain.paths import ROOT


def folder() -> Path | None:
    """Return Pulumi's folder of states and locks; None if they are kept by a service."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    url = os.environ.get("PULUMI_BACKEND_URL") or logged_in(home / "credentials.json") or ""
    if not url.startswith("file://"):
        return None
    path = Path(unquote(url.removeprefix("file://").split("?")[0])).expanduser()
    return ROOT / path / ".pulumi"


def mend() -> None:
    """Remove what makes Pulumi fail with "failed to load checkpoint: EOF" after it was killed.

    Pulumi writes a state all at once, but not the `.attrs` file beside it, which holds nothing of
    worth: it can be empty. Pulumi reads a state without that file, and none with an empty one.
    """
    root = folder()
    for path in root.rglob("*.attrs") if root else ():
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size == 0:
                path.unlink()
