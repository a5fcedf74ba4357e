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
        declared = self.resources.get(CONTAINER, {})
        return {name: inputs for name, inputs in declared.items() if inputs.get("start", True)}

    @property
    def couriers(self) -> dict[str, dict[str, Any]]:
        """The containers that only carry files into a volume, by the role that they serve."""
        declared = self.resources.get(CONTAINER, {})
        return {
            name.removesuffix("-files"): inputs
            for name, inputs in declared.items()
            if not inputs.get("start", True)
        }


Declare = Callable[..., Graph]
