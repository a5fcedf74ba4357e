"""Reach into the database's container, where the superuser needs no password."""

import subprocess
from pathlib import Path

from infra.naming import Naming
from infra.problems import PROJECT
from infra.services import postgres
from toolchain.console import UserError

SUPERUSER = "postgres"


def command(stack: str, *program: str) -> list[str]:
    """Return the command that runs a program in the database's container, input attached."""
    return ["docker", "exec", "--interactive", Naming(PROJECT, stack).of(postgres.ROLE), *program]


def runs(stack: str) -> bool:
    """Tell whether the database answers."""
    ready = command(stack, "pg_isready", "--quiet", f"--username={SUPERUSER}")
    return subprocess.run(ready, capture_output=True, check=False).returncode == 0


def psql(stack: str, sql: str, database: str = postgres.DATABASE, role: str = SUPERUSER) -> str:
    """Run SQL and return the bare rows, `|` between columns; raises `UserError`."""
    options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    done = subprocess.run(
        command(stack, "psql", *options, f"--username={role}", database),
        input=sql,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise UserError(
            f"the database refused: {done.stderr.strip()}",
            "mend what it names, then run the same make command again",
        )
    return done.stdout.strip()


def restore(stack: str, dump: Path, database: str) -> str:
    """Fill an empty database from a dump; returns what pg_restore complained of, if it failed."""
    options = ["--exit-on-error", f"--username={SUPERUSER}", f"--dbname={database}"]
    with dump.open("rb") as content:
        done = subprocess.run(
            command(stack, "pg_restore", *options),
            stdin=content,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",  # it may quote what it could not read
            check=False,
        )
    return done.stderr.strip() or "it said nothing" if done.returncode != 0 else ""
