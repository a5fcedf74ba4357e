"""What Pulumi's state knows of the engine, and what it was about when it was last written."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.naming import OWNER
from toolchain import pulumi
from toolchain.objects import Object

KINDS = {
    "docker:index/container:Container": "container",
    "docker:index/network:Network": "network",
    "docker:index/remoteImage:RemoteImage": "image",
}

NEVER = "0001-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class State:
    """A stack's state."""

    written: datetime
    empty: bool  # of a stack that nothing was ever deployed for, or that was destroyed
    interrupted: bool  # an update was killed since, with operations under way
    ids: frozenset[str]  # of containers and networks; of images id and name in one
    images: frozenset[str]  # names
    creating: frozenset[str]  # names of containers and networks that a dead update was making
    deleting: frozenset[str]  # ids of containers and networks that a dead update was removing
    owner: str  # its identity (infra/targets/ownership.py), empty before the first update

    def unknown(self, objects: Iterable[Object]) -> list[Object]:
        """Return those of the stack's objects that the state does not know."""
        return [one for one in objects if not self._knows(one)]

    def _knows(self, one: Object) -> bool:
        if one.kind != "image":
            return one.id in self.ids
        if one.name.startswith("<none>"):  # its tag was taken off
            return any(known.startswith(one.id) for known in self.ids)
        return one.name in self.images


def read(stack: str) -> State:
    """Return the stack's state; the passphrase is not needed for it."""
    deployment = pulumi.export(stack)
    manifest: dict[str, Any] = deployment.get("manifest") or {}
    resources: list[dict[str, Any]] = deployment.get("resources") or []
    pending: list[dict[str, Any]] = deployment.get("pending_operations") or []
    known = _of_kind(resources, "container", "network", "image")
    ids = frozenset(str(one["id"]) for one in known if one.get("id"))
    # Pulumi never forgets that a creation was interrupted; done since, it is in the state.
    urns = {one["urn"] for one in resources}
    creating = [
        one["resource"]
        for one in pending
        if one["type"] == "creating" and one["resource"]["urn"] not in urns
    ]
    deleting = [one["resource"] for one in pending if one["type"] == "deleting"]
    return State(
        written=datetime.fromisoformat(manifest.get("time") or NEVER),
        empty=not resources and not pending,
        interrupted=bool(pending),
        ids=ids,
        images=frozenset(one["inputs"]["name"] for one in _of_kind(resources, "image")),
        creating=frozenset(
            one["inputs"]["name"] for one in _of_kind(creating, "container", "network")
        ),
        deleting=frozenset(str(one["id"]) for one in _of_kind(deleting, "container", "network")),
        owner=next(
            (
                str(one["outputs"]["hex"])
                for one in resources
                if one["urn"].endswith(f"RandomId::{OWNER}") and one.get("outputs")
            ),
            "",
        ),
    )


def _of_kind(resources: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [one for one in resources if KINDS.get(one["type"]) in kinds]
