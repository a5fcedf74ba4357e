"""What the engine holds of one stack, found by its labels; and how that is taken off again."""

import json
import subprocess
from dataclasses import dataclass
from typing import Literal

from infra.naming import OWNER, Naming
from infra.problems import PROJECT
from toolchain.console import UserError

# A database that is killed recovers, but one that is stopped has nothing to recover.
STOP_SECONDS = 60
# Somebody else was quicker: what was to be gone is gone, or going.
GONE = ("No such", "not found", "is already in progress")


@dataclass(frozen=True)
class Object:
    """A container, a network or a built image; never a volume: volumes hold data."""

    kind: Literal["container", "network", "image"]
    id: str  # whole; of an image `sha256:...`
    name: str  # of an image its `repository:tag`
    owner: str = ""  # of a container the identity of the state that has it, if it says so

    def __str__(self) -> str:
        """Say it as the engine's own commands do."""
        return f"{self.kind} {self.name} ({self.id.removeprefix('sha256:')[:12]})"


def of(stack: str) -> list[Object]:
    """Return the stack's containers, networks and built images, in the order of their removal."""
    naming = Naming(PROJECT, stack)
    # A container that somebody has run from a built image by hand bears the image's labels, but
    # has no role in the stack.
    role = f"--filter=label={PROJECT}.role"
    containers = listed("ps", "--all", role, *naming.filters())
    networks = listed("network", "ls", *naming.filters())
    images = listed("images", *naming.filters())
    return [
        *(
            Object("container", one["ID"], one["Names"], label(one, f"{PROJECT}.{OWNER}"))
            for one in containers
        ),
        *(Object("network", one["ID"], one["Name"]) for one in networks),
        *(
            Object("image", one["ID"], f"{one['Repository']}:{one['Tag']}")
            for one in images
            # A tag that somebody has put on a built image is theirs.
            if one["Repository"] == "<none>" or one["Repository"].startswith(naming.of(""))
        ),
    ]


def label(listed: dict[str, str], key: str) -> str:
    """Return a label of what was listed, empty if it has none of that name."""
    pairs = dict(one.split("=", 1) for one in listed["Labels"].split(",") if "=" in one)
    return pairs.get(key, "")


def volumes(stack: str) -> list[str]:
    """Return the names of the stack's volumes."""
    return [one["Name"] for one in listed("volume", "ls", *Naming(PROJECT, stack).filters())]


def remove(objects: list[Object]) -> list[str]:
    """Remove containers, then networks, then images; what is gone already counts as removed.

    Returns a line for each image that stays because something else still uses it. Raises
    `UserError` for a container or network that the engine does not let go.
    """
    containers = [one.id for one in objects if one.kind == "container"]
    if containers:
        # All at once; whether it worked does not matter to what comes next.
        _docker("stop", "-t", str(STOP_SECONDS), *containers)
    for container in containers:
        _remove("rm", "--force", "--volumes", container)
    for network in (one.id for one in objects if one.kind == "network"):
        _remove("network", "rm", network)
    kept = []
    for image in (one for one in objects if one.kind == "image"):
        done = _docker("rmi", image.id if image.name.startswith("<none>") else image.name)
        if done.returncode != 0 and not any(word in done.stderr for word in GONE):
            kept.append(f"{image} stays: {done.stderr.strip()}")
    return kept


def _remove(*arguments: str) -> None:
    done = _docker(*arguments)
    if done.returncode != 0 and not any(word in done.stderr for word in GONE):
        raise UserError(
            f"docker {' '.join(arguments)}: {done.stderr.strip()}",
            "mend what it names, then run the same make command again",
        )


def listed(*arguments: str) -> list[dict[str, str]]:
    """Return what a listing command of docker tells, ids whole; raises `UserError`."""
    # `docker volume ls` knows no --no-trunc, and needs none.
    whole = [] if arguments[0] == "volume" else ["--no-trunc"]
    done = _docker(*arguments, *whole, "--format={{json .}}")
    if done.returncode != 0:
        raise UserError(f"the Docker engine does not answer: {done.stderr.strip()}", "make setup")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
