"""`make restore`: put what a dump holds in the place of the database.

The dump fills a new database while the old one serves; then the two are swapped in one
transaction, so that whoever is killed at whatever moment leaves either the old or the new one
under the name. What is left beside it is dropped by the next restore or, since the roles job goes
first and thus runs again, by the next `up`.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory

from backup import dumps, names
from backup.archive import Archive
from backup.errors import BackupError
from infra import backups as backup_folder
from infra.images import ROOT
from infra.naming import Naming
from infra.problems import PROJECT
from infra.services import postgres, roles
from infra.settings import StackSettings
from toolchain import backups, console, database, locks, objects, settings
from toolchain.console import UserError
from toolchain.objects import Object
from toolchain.paths import HUB

RESTORED = f"{postgres.DATABASE}_restored"
REPLACED = f"{postgres.DATABASE}_replaced"
# What was replaced and could not be saved as a dump before; until the next such restore.
UNSAVED = f"{postgres.DATABASE}_unsaved"
# Between the end of the old connections and the swap, a client may be quick enough to come back.
SWAPS = 5

COUNTS = r"""
SELECT format('SELECT %L, count(*) FROM %I', tablename, tablename)
FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename \gexec
"""


@dataclass(frozen=True)
class Dump:
    """A dump that this version of the code can restore."""

    file: Path
    revision: str
    extensions: tuple[str, ...]


def found(stack: str, name: str, force: bool) -> Path:
    """Return the dump's file if it is as its checksum says; raises `UserError`.

    `force` lets one without a checksum pass.
    """
    file = Path(name).absolute()
    if not name or not file.is_file():
        what = f"there is no file {file}" if name else "which dump is to be restored?"
        raise UserError(what, f"make restore FILE=...   ({_choice(stack)})")
    try:
        checked = dumps.check(file)
    except BackupError as error:
        raise UserError(str(error), f"take another one: {_choice(stack)}") from None
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}", f"chmod u+r {file}") from None
    if not checked and not force:
        raise UserError(
            f"{file.name} has no checksum beside it ({names.checksum_file(file).name}): "
            "whether it is damaged cannot be told",
            f"put the two side by side, or take it as it is: make restore FILE={name} FORCE=1",
        )
    if not checked:
        console.say(f"{file.name} has no checksum beside it: taken as it is")
    return file


def checked(file: Path, chosen: StackSettings) -> Dump:
    """Return the dump if all of it can be read and is for this code; raises `UserError`."""
    image = postgres.image(chosen).name
    isolated = ["--network=none", "--read-only", f"--user={postgres.UID}"]
    run = ["docker", "run", "--rm", "--interactive", *isolated, image, "pg_restore"]
    archive = Archive(file, run)
    other = "take another dump; nothing was changed"
    try:
        contents, revision = archive.contents(), archive.revision()
        archive.verify()
    except BackupError as error:
        raise UserError(str(error), other) from None
    if contents.database != postgres.DATABASE or not revision:
        raise UserError(
            f"{file.name} is a dump of the database {contents.database}, not of an Ontology Hub",
            other,
        )
    if contents.server_major > postgres.MAJOR:
        raise UserError(
            f"{file.name} was made by PostgreSQL {contents.server_major}, and this version of the "
            f"hub runs PostgreSQL {postgres.MAJOR}; nothing was changed",
            "git checkout the version of the hub that made it, then the same make command again",
        )
    known = {one.revision for one in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()}
    if revision not in known:
        raise UserError(
            f"{file.name} is at revision {revision}, which this version of the code does not "
            "know: a newer one made it; nothing was changed",
            "git checkout the version of the hub that made it, then the same make command again",
        )
    return Dump(file, revision, contents.extensions)


def replace(stack: str, dump: Dump, chosen: StackSettings, force: bool) -> dict[str, int]:
    """Swap the running database for what the dump holds; raises `UserError`, the old one kept.

    `force` goes on where what is there cannot be saved as a dump; it then stays on the server under
    another name. Returns how many rows each table held, nothing if they cannot be counted.
    """
    locks.settle(stack)
    with _alone(stack):
        held, saved = _save(stack, chosen, force)
        _forget_the_roles_job(stack)
        console.step(
            f"filling a new database from {dump.file.name} (revision {dump.revision}); "
            "the old one serves meanwhile"
        )
        try:
            _fill(stack, dump)
            _swap(stack, REPLACED if saved else UNSAVED)
        finally:
            _drop_leftovers(stack)
    return held


def _save(stack: str, chosen: StackSettings, force: bool) -> tuple[dict[str, int], bool]:
    """Return what the tables hold, and whether it was saved as a dump."""
    console.step("saving what is there now")
    try:
        held = counts(stack)
        backups.say(backups.make(stack, chosen, keep=None))
    except UserError as error:
        if not force:
            raise UserError(
                f"{error.message}\nSo what is there now is not saved, and nothing was changed.",
                f"{error.mend}; or, to restore all the same: FORCE=1, which keeps the present "
                f"database as {UNSAVED}",
            ) from None
        console.fail(error)
        console.say(f"going on without: the present database is kept as {UNSAVED}")
        return {}, False
    return held, True


def counts(stack: str) -> dict[str, int]:
    """Return how many rows each table holds."""
    rows = (line.split("|") for line in database.psql(stack, COUNTS).splitlines())
    return {table: int(count) for table, count in rows}


def report(before: dict[str, int], after: dict[str, int]) -> None:
    """Say how many rows each table held, and holds."""
    for table in sorted({*before, *after}):
        console.say(f"{table:20} {before.get(table, '-'):>10} rows -> {after.get(table, '-'):>10}")


@contextlib.contextmanager
def _alone(stack: str) -> Iterator[None]:
    """Refuse a second restore: it would fill the database that the first one is about to swap in.

    The kernel drops the lock when its holder ends, however it ends.
    """
    with (HUB / f"restore-{stack}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another restore of stack {stack} is running", "wait for its end"
            ) from None
        yield


def _fill(stack: str, dump: Dump) -> None:
    _drop_leftovers(stack)
    create = f"CREATE DATABASE {RESTORED} OWNER {roles.OWNER} TEMPLATE template0"
    database.psql(stack, create, database="postgres")
    for extension in dump.extensions:
        _create_as_owner(stack, extension)
    if failed := database.restore(stack, dump.file, RESTORED):
        raise UserError(
            f"{dump.file.name} could not be restored: {failed}\nThe database is as it was.",
            "mend what it names, or take another dump",
        )
    # A dump holds no statistics; without them the first queries are planned blindly.
    database.psql(stack, "ANALYZE", database=RESTORED)


def _create_as_owner(stack: str, extension: str) -> None:
    """Create an extension as who migrates, if it is one that they may create.

    A dump does not say whose it was. As the superuser's, no migration could drop it.
    """
    create = f'CREATE EXTENSION IF NOT EXISTS "{extension}"'
    try:
        database.psql(stack, create, database=RESTORED, role=roles.OWNER)
    except UserError:
        console.say(f"the extension {extension} becomes the superuser's: only they may create it")


def _swap(stack: str, aside: str) -> None:
    console.step("swapping the two")
    # The old one may be gone altogether: then what was put aside before stays.
    swap = f"""
        SELECT 'DROP DATABASE IF EXISTS {aside} WITH (FORCE)'
        FROM pg_database WHERE datname = '{postgres.DATABASE}' \\gexec
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname IN ('{postgres.DATABASE}', '{RESTORED}');
        BEGIN;
        SELECT 'ALTER DATABASE {postgres.DATABASE} RENAME TO {aside}'
        FROM pg_database WHERE datname = '{postgres.DATABASE}' \\gexec
        ALTER DATABASE {RESTORED} RENAME TO {postgres.DATABASE};
        COMMIT;
    """  # noqa: S608 (constants of this module)
    for left in reversed(range(SWAPS)):
        try:
            database.psql(stack, swap, database="postgres")
        except UserError:
            if left == 0:
                raise
        else:
            return


def _drop_leftovers(stack: str) -> None:
    for name in (RESTORED, REPLACED):
        drop = f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"
        database.psql(stack, drop, database="postgres")


def _forget_the_roles_job(stack: str) -> None:
    """Remove the roles job's container, so that the next `up` runs all jobs again."""
    role = f"--filter=label={PROJECT}.role={roles.ROLE}"
    found = objects.listed("ps", "--all", role, *Naming(PROJECT, stack).filters())
    objects.remove([Object("container", one["ID"], one["Names"]) for one in found])


def _choice(stack: str) -> str:
    """Say which dumps there are."""
    folder = backup_folder.folder(settings.read(stack), stack)
    found = [str(path) for _name, path in names.dumps(folder, stack)] if folder.is_dir() else []
    return "the dumps of this stack: " + " ".join(found) if found else f"{folder} holds none"
