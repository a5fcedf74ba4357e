"""What the program declared, as the tests look at it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Pulumi's own mark of a secret in what the engine is sent.
SECRET_MARK = "4dabf18193072939515e22adb298388d"

CONTAINER = "docker:index/container:Container"
IMAGE = "docker:index/remoteImage:RemoteImage"
VOLUME = "docker:index/volume:Volume"
NETWORK = "docker:index/network:Network"

ROLE_LABEL = "ontology-hub.role"


@dataclass
class Graph:
    """Every resource that the program registered, by type and then name, with its inputs."""

    resources: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)

    @property
    def containers(self) -> dict[str, dict[str, Any]]:
        """The services and jobs, by role."""
        return {
            role: inputs for role, inputs in self._by_role().items() if inputs.get("start", True)
        }

    @property
    def couriers(self) -> dict[str, dict[str, Any]]:
        """The containers that only carry files into a volume, by the role that they serve."""
        return {
            role.removesuffix("-files"): inputs
            for role, inputs in self._by_role().items()
            if not inputs.get("start", True)
        }

    def _by_role(self) -> dict[str, dict[str, Any]]:
        """Return the containers by their labels: a resource may have another name than its role."""
        return {
            next(i["value"] for i in inputs["labels"] if i["label"] == ROLE_LABEL): inputs
            for inputs in self.resources.get(CONTAINER, {}).values()
        }


Declare = Callable[..., Graph]
