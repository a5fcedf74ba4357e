"""Look at a running stack: its containers, logs and database."""

import os
import sys

from infra.naming import Naming
from infra.problems import PROJECT
from toolchain import console, objects, reach
from toolchain.console import UserError
from toolchain.logs import follow, role_of


def containers(stack: str) -> list[dict[str, str]]:
    """Return the stack's containers, jobs included, as `docker ps` tells them."""
    return objects.listed("ps", "--all", *Naming(PROJECT, stack).filters())


def _workloads(stack: str) -> list[dict[str, str]]:
    """Return services and jobs; couriers, which only carried files into a volume, never ran."""
    return [one for one in containers(stack) if one["State"] != "created"]


def status(stack: str) -> None:
    """Print each container with its state, then the URLs."""
    found = sorted(_workloads(stack), key=role_of)
    if not found:
        console.say(f"stack {stack}: nothing is deployed (make up)")
        return
    console.table(
        [(role_of(one), one["Status"], one["Ports"].replace("/tcp", "")) for one in found]
    )
    reach.urls(stack)


def logs(stack: str, role: str | None) -> None:
    """Follow the logs of all containers, or of one role.

    A terminal shows them for people; elsewhere, or with RAW=1, they come as they were written.
    """
    workloads = _workloads(stack)
    found = [one for one in workloads if role in (None, role_of(one))]
    if not found:
        known = ", ".join(sorted(map(role_of, workloads))) or "nothing is deployed (make up)"
        raise UserError(f"no container has the role {role or 'any'}", f"choose one of: {known}")
    raw = bool(os.environ.get("RAW")) or not sys.stdout.isatty()
    follow(stack, role, found, raw)


def psql(stack: str) -> None:
    """Open psql in the database's container as the role that owns the schema."""
    if not any(role_of(one) == "db" and one["State"] == "running" for one in containers(stack)):
        raise UserError(f"the database of stack {stack} does not run", "make up")
    name = f"{PROJECT}-{stack}-db"
    terminal = ["--tty"] if sys.stdin.isatty() else []
    prompt = ["psql", "--username=ontology", "ontology_hub"]
    # The prompt takes this process's place, so that Ctrl-C is its own.
    os.execvp("docker", ["docker", "exec", "--interactive", *terminal, name, *prompt])  # noqa: S606
