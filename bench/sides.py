"""The two ways to have the stack: Pulumi, and docker compose with the very same containers."""

import json
import os
import secrets
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench import delivered
from bench.commands import Finished, run
from bench.compose_file import Json, compose_file, describe
from bench.compose_program import Compose
from infra.images import twin_tag
from tests.stack.stack_under_test import Stack, copy_of_the_project, docker, free_offset
from toolchain.console import UserError

NOT_THE_SAME = "report this: the two sides no longer run the same, so no figure would mean anything"


class Side(Protocol):
    """One way to bring the stack up and down."""

    @property
    def name(self) -> str:
        """What the report calls it."""

    def up(self) -> Finished:
        """Bring everything up, healthy; with all of it there, find nothing to do."""

    def down(self) -> Finished:
        """Remove everything, data included."""

    def containers(self) -> dict[str, Json]:
        """Return role to what `docker inspect` says, for all that has ever run."""

    def leftovers(self) -> list[str]:
        """Return what is on the engine that `down` should have removed."""


@dataclass(frozen=True)
class PulumiSide:
    """A stack of this project, deployed by `pulumi up`."""

    stack: Stack
    name: str = "pulumi"

    def up(self) -> Finished:
        """Do what `make up` does."""
        return self._pulumi("up", "--yes", "--skip-preview")

    def down(self) -> Finished:
        """Do what `make down` does."""
        return self._pulumi("destroy", "--yes", "--skip-preview")

    def containers(self) -> dict[str, Json]:
        """Return the services and jobs; what was never started only delivers their files."""
        found = {role: self.stack.inspect(role) for role in self.stack.ids()}
        return {role: one for role, one in found.items() if one["State"]["Status"] != "created"}

    def debug(self, *arguments: str) -> Finished:
        """Run a command with those of pulumi's options that are for developers only."""
        return self._pulumi(*arguments, "--yes", more={"PULUMI_DEBUG_COMMANDS": "1"})

    def leftovers(self) -> list[str]:
        """Return containers, volumes and networks that bear the stack's label."""
        return _labelled(f"ontology-hub.stack={self.stack.name}")

    def order(self, roles: set[str]) -> dict[str, list[str]]:
        """Return each role's predecessors, as Pulumi's state has them."""
        exported = json.loads(self.stack.pulumi("stack", "export"))
        resources: list[Json] = exported["deployment"]["resources"]
        return {
            role: sorted({urn.rsplit("::", 1)[1] for urn in one.get("dependencies", ())} & roles)
            for one in resources
            if (role := one["urn"].rsplit("::", 1)[1]) in roles
            and one["type"] == "docker:index/container:Container"
        }

    def _pulumi(self, *arguments: str, more: Mapping[str, str] | None = None) -> Finished:
        env = {**self.stack.env, **(more or {})}
        return run(["pulumi", *arguments], self.stack.root, env)


@dataclass(frozen=True)
class ComposeSide:
    """The same containers, deployed by `docker compose up`."""

    compose: Compose
    folder: Path
    project: str
    name: str = "compose"
    kept_images: list[str] = field(default_factory=list)

    def up(self) -> Finished:
        """Do `docker compose up --wait`."""
        return self._compose("up", "--detach", "--wait")

    def down(self) -> Finished:
        """Do `docker compose down -v`."""
        return self._compose("down", "--volumes")

    def containers(self) -> dict[str, Json]:
        """Return the services and jobs."""
        names = docker(
            "ps", "--all", "--quiet", f"--filter=label=com.docker.compose.project={self.project}"
        ).split()
        found: list[Json] = json.loads(docker("inspect", *names)) if names else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def leftovers(self) -> list[str]:
        """Return containers, volumes and networks that bear the project's label."""
        return _labelled(f"com.docker.compose.project={self.project}")

    def prepare(self, pulumi: PulumiSide) -> None:
        """Write the compose file and the delivered files, from what Pulumi has deployed."""
        deployed = pulumi.containers()
        services = pulumi_services(pulumi)
        images = {service["image"]: self._kept(service["image"]) for service in services.values()}
        files: dict[str, Path] = {}
        for role, container in deployed.items():
            if delivered.take(container["Id"], self.folder / role):
                files[role] = self.folder / role
        text = compose_file(services, images, pulumi.order(set(services)), files)
        (self.folder / "compose.json").write_text(text)

    def kill(self) -> None:
        """Remove whatever there is, at once: for the end, however it came."""
        self._compose("down", "--volumes", "--timeout", "0")

    def forget_images(self) -> None:
        """Remove the names that keep the images; they stay if somebody else has named them."""
        for name in self.kept_images:
            docker("rmi", name, check=False)

    def _kept(self, image: str) -> str:
        """Give an image a name of ours, so that it is still there after `pulumi destroy`."""
        name = f"{self.project}:{image.removeprefix('sha256:')[:12]}"
        docker("tag", image, name)
        self.kept_images.append(name)
        return name

    def _compose(self, *arguments: str) -> Finished:
        head = [*self.compose.command, "--project-name", self.project, "--file", "compose.json"]
        return run([*head, "--progress", "plain", *arguments], self.folder)


def new_stack(folder: Path) -> Stack:
    """Return a new stack under an own name and ports, in a copy of the project."""
    copy_of_the_project(folder)
    passphrase = folder / ".hub" / "passphrase"
    passphrase.write_text(secrets.token_urlsafe(24))
    state = folder / ".hub" / "state"
    state.mkdir()
    name = f"bench-{secrets.token_hex(3)}"
    env = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        # Named, not selected: a selection would stay behind in PULUMI_HOME.
        "PULUMI_STACK": name,
    }
    env.pop("PULUMI_CONFIG_PASSPHRASE", None)  # it would win over the file
    stack = Stack(root=folder, name=name, offset=free_offset(), env=env)
    stack.pulumi("stack", "init", "--no-select", name)
    stack.config(
        portOffset=str(stack.offset),
        imageSource=os.environ.get("IMAGE_SOURCE") or _image_source(),
        grafana="false",
        protectData="false",
        hotReload="true",
        databasePort="5432",
    )
    return stack


def _image_source() -> str:
    """Return `local` if the twins of the public images are built here."""
    twin = twin_tag("postgres")
    return "local" if docker("images", "--quiet", twin).strip() else "registry"


def pulumi_services(side: PulumiSide) -> dict[str, Json]:
    """Return the stack's services and jobs in compose's words."""
    return _described(side.containers(), f"ontology-hub-{side.stack.name}-")


def compose_services(side: ComposeSide) -> dict[str, Json]:
    """Return compose's own services and jobs in the same words."""
    return _described(side.containers(), f"{side.project}_")


def check_same(pulumi: dict[str, Json], compose: dict[str, Json]) -> None:
    """Raise `UserError` unless both sides run the same services and jobs in the same way."""
    differences = [
        f"{role}.{key}: pulumi {one.get(key)!r}, compose {other.get(key)!r}"
        for role in sorted(pulumi.keys() | compose.keys())
        for one, other in [(pulumi.get(role, {}), compose.get(role, {}))]
        for key in sorted(one.keys() | other.keys())
        if one.get(key) != other.get(key)
    ]
    if differences:
        raise UserError(
            "pulumi and compose differ:\n    " + "\n    ".join(differences), NOT_THE_SAME
        )


def check_up(side: Side, url: str) -> None:
    """Raise `UserError` unless all is healthy, the jobs ended well and the backend answers."""
    wrong = [
        f"{role} is {found}"
        for role, one in side.containers().items()
        if (found := _condition(one["State"])) not in ("healthy", "ended well")
    ]
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 (loopback)
            if answer.status != 200:
                wrong.append(f"/health answers {answer.status}")
    except OSError as error:
        wrong.append(f"/health: {error}")
    if wrong:
        raise UserError(f"{side.name} is up, but " + "; ".join(wrong), NOT_THE_SAME)


def check_kept(side: Side, before: dict[str, str]) -> None:
    """Raise `UserError` unless the containers are those of `before` (role to id)."""
    if replaced := set(before.items()) ^ set(ids(side).items()):
        roles = ", ".join(sorted({role for role, _ in replaced}))
        raise UserError(f"{side.name} had nothing to do, but has replaced {roles}", NOT_THE_SAME)


def check_down(side: Side, volumes: set[str]) -> None:
    """Raise `UserError` if anything is left, be it one of the `volumes` that had been mounted."""
    still_there = volumes & set(docker("volume", "ls", "--quiet").split())
    if left := [*side.leftovers(), *(f"volume {name}" for name in sorted(still_there))]:
        raise UserError(f"{side.name} has left behind: {', '.join(left)}", NOT_THE_SAME)


def ids(side: Side) -> dict[str, str]:
    """Return role to container id."""
    return {role: one["Id"] for role, one in side.containers().items()}


def _condition(state: Json) -> str:
    if "Health" in state:
        return str(state["Health"]["Status"])
    return "ended well" if (state["Status"], state["ExitCode"]) == ("exited", 0) else str(state)


def _described(containers: dict[str, Json], volume_prefix: str) -> dict[str, Json]:
    images = {one["Image"] for one in containers.values()}
    inspected: list[Json] = json.loads(docker("image", "inspect", *images)) if images else []
    by_id: dict[str, Any] = {one["Id"]: one for one in inspected}
    return {
        role: describe(one, by_id[one["Image"]], volume_prefix) for role, one in containers.items()
    }


def _labelled(label: str) -> list[str]:
    return [
        f"{kind} {name}"
        for kind, command in (
            ("container", ("ps", "--all")),
            ("volume", ("volume", "ls")),
            ("network", ("network", "ls")),
        )
        for name in docker(*command, "--quiet", f"--filter=label={label}").split()
    ]
