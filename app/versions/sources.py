"""Where the history of a source is looked for."""

from pathlib import Path

from app.database import Reader
from app.versions.git_history import GitHistory
from app.versions.history import FirstHistory, History
from app.versions.snapshot_history import SnapshotHistory


def history_of(source: Path | None, reader: Reader) -> History:
    """Return the history: the source's own where it is a git repository, else the imports."""
    imports = SnapshotHistory(reader)
    return imports if source is None else FirstHistory([GitHistory(source), imports])
