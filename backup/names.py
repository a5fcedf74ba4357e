"""How dumps are named: when, of which stack, at which revision of the schema."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

PATTERN = re.compile(
    r"ontology_hub-(?P<at>\d{8}T\d{6}Z)-(?P<stack>[a-z0-9]+(?:-[a-z0-9]+)*)-(?P<revision>\w+)\.dump"
)
TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, order=True)
class DumpName:
    """The name of a dump's file; names sort by time."""

    at: datetime  # UTC, whole seconds: when the dump was begun
    stack: str
    revision: str  # Alembic's

    def __str__(self) -> str:
        """Return the file's name."""
        return f"ontology_hub-{self.at:{TIME}}-{self.stack}-{self.revision}.dump"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Return what the file name `name` says; None if it is no dump's."""
        found = PATTERN.fullmatch(name)
        if found is None:
            return None
        try:
            at = datetime.strptime(found["at"], TIME).replace(tzinfo=UTC)
        except ValueError:  # the 31st of February
            return None
        return cls(at, found["stack"], found["revision"])


def dumps(folder: Path, stack: str) -> list[tuple[DumpName, Path]]:
    """Return the stack's finished dumps in `folder`, the oldest first.

    One without its checksum beside it is not finished, or not ours.
    """
    named = [(DumpName.parse(path.name), path) for path in folder.iterdir()]
    return sorted(
        (name, path)
        for name, path in named
        if name is not None and name.stack == stack and checksum_file(path).is_file()
    )


def newest(folder: Path, stack: str, now: datetime) -> tuple[DumpName, Path] | None:
    """Return the stack's newest finished dump; None if there is none.

    One made by hand counts; one of the future, made before the clock was set back, does not.
    """
    return next((one for one in reversed(dumps(folder, stack)) if one[0].at <= now), None)


def checksum_file(dump: Path) -> Path:
    """Return where the checksum of `dump` stands, as `sha256sum --check` reads it."""
    return dump.with_name(f"{dump.name}.sha256")
