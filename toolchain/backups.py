"""`make backup`: a dump of the running database into the stack's folder on this machine."""

import os
from pathlib import Path

from backup import dumps
from backup.errors import BackupError
from infra import backups
from infra.images import ROOT
from infra.services import postgres
from infra.settings import StackSettings
from toolchain import console, database, settings
from toolchain.console import UserError


def backup(stack: str) -> None:
    """Make a dump and say where it is; the oldest beyond `backupsKept` go."""
    chosen = settings.read(stack)
    say(make(stack, chosen, chosen.backups_kept))


def make(stack: str, chosen: StackSettings, keep: int | None) -> Path:
    """Return a new dump of the stack; raises `UserError`."""
    if not database.runs(stack):
        raise UserError(f"the database of stack {stack} does not run", "make up")
    superuser = f"--username={database.SUPERUSER}"
    tools = dumps.Tools(
        pg_dump=database.command(stack, "pg_dump", superuser, "--format=custom", postgres.DATABASE),
        pg_restore=database.command(stack, "pg_restore"),
    )
    try:
        return dumps.make(folder(stack, chosen), stack, tools, keep)
    except BackupError as error:
        raise UserError(
            f"no dump was made: {error}",
            "mend what it names (free space, or another folder: pulumi config set "
            "ontology-hub:backupDir PATH), then run the same make command again",
        ) from None


def folder(stack: str, chosen: StackSettings) -> Path:
    """Return the stack's folder, made if it is not there yet.

    `backupDir` itself is made only within the project: elsewhere its absence may mean that a disk
    is not mounted.
    """
    path = backups.folder(chosen, stack)
    try:
        if path.parent.is_relative_to(ROOT):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(path, backups.UID, backups.UID)
    except OSError as error:
        raise UserError(
            f"backupDir: {error.filename}: {error.strerror}",
            f"mkdir -p {path.parent}   (or another: pulumi config set ontology-hub:backupDir PATH)",
        ) from None
    return path


def say(dump: Path) -> None:
    """Tell where a dump is, how large, and how it comes back."""
    shown = dump.relative_to(ROOT) if dump.is_relative_to(ROOT) else dump
    console.say(f"made {shown} ({dump.stat().st_size} bytes)")
    console.say(f"it comes back with: make restore FILE={shown}")
