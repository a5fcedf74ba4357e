"""What a dump says of itself, asked of PostgreSQL's own pg_restore."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backup.errors import BackupError

LAST_WORDS = 3


@dataclass(frozen=True)
class Contents:
    """What a dump holds."""

    database: str
    server_major: int  # of the PostgreSQL that it was taken from
    extensions: tuple[str, ...]


@dataclass(frozen=True)
class Archive:
    """A dump in pg_dump's custom format.

    `pg_restore` is the command that reads one on its standard input: where it runs (here, in a
    container) is the caller's choice.
    """

    file: Path
    pg_restore: Sequence[str]

    def verify(self) -> None:
        """Read all of it; raises `BackupError` for one that is damaged or cut off.

        A table of contents alone would not do: it stands at the start, and is whole in half a file.
        """
        self._run("--file=/dev/null")

    def contents(self) -> Contents:
        """Return its table of contents; raises `BackupError` if it has none."""
        listed = self._run("--list")
        entries = [line.split() for line in listed.splitlines() if not line.startswith(";")]
        # "2; 3079 16400 EXTENSION - pg_trgm"
        return Contents(
            database=_header(listed, r"dbname: (.+)"),
            server_major=int(_header(listed, r"Dumped from database version: (\d+)")),
            extensions=tuple(entry[5] for entry in entries if entry[3:5] == ["EXTENSION", "-"]),
        )

    def revision(self) -> str:
        """Return Alembic's revision of the schema in it, empty if it holds none."""
        rows = self._run("--data-only", "--table=alembic_version", "--file=-")
        found = re.search(r"^COPY [^\n]*\n(?P<rows>.*?)^\\\.$", rows, re.MULTILINE | re.DOTALL)
        return "_".join(found["rows"].split()) if found else ""

    def _run(self, *options: str) -> str:
        with self.file.open("rb") as dump:
            done = subprocess.run(
                [*self.pg_restore, *options],
                stdin=dump,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        if done.returncode != 0:
            raise BackupError(f"{self.file.name} cannot be read: {last_words(done.stderr)}")
        return done.stdout


def last_words(output: str) -> str:
    """Return in one line what a program said last."""
    return "; ".join(output.strip().splitlines()[-LAST_WORDS:]) or "it said nothing"


def _header(listed: str, pattern: str) -> str:
    found = re.search(rf"^; +{pattern}$|^; +{pattern}\b", listed, re.MULTILINE)
    if found is None:
        raise BackupError(f"its table of contents does not say `{pattern}`")
    return found[1] or found[2]
