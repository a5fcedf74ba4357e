"""The stack's networks on a Docker engine: who reaches whom."""

import pulumi
import pulumi_docker as docker
import pulumi_random as random

from infra.naming import Naming
from infra.workload import Workload

# The network of those that publish ports: the engine publishes none for who is on internal
# networks only.
PUBLISHED = "published"
# Who is reached from the host shares this network with others that are: they neither see each other
# there nor reach the world beyond.
PUBLISHED_OPTIONS = {
    "com.docker.network.bridge.enable_icc": "false",
    "com.docker.network.bridge.enable_ip_masquerade": "false",
}


class Networks:
    """Declares each network once, when the first workload is put on it."""

    def __init__(self, naming: Naming, after: pulumi.Output[random.RandomId]) -> None:
        """Prepare for the networks, which come `after` another resource."""
        self._naming = naming
        self._after = after
        self._declared: dict[str, docker.Network] = {}

    def names(self, workload: Workload) -> dict[str, list[str]]:
        """Return the names of the networks that a workload is on, each with its own names there."""
        return {self._naming.of(network): names for network, names in _of(workload).items()}

    def attachments(self, workload: Workload) -> list[docker.ContainerNetworksAdvancedArgs]:
        """Return what puts a container on the workload's networks."""
        return [
            docker.ContainerNetworksAdvancedArgs(
                # The resource's name, not the text: destroy must take containers off first.
                name=self._network(network).name,
                aliases=names,
            )
            for network, names in _of(workload).items()
        ]

    def _network(self, network: str) -> docker.Network:
        """Return a network of the stack; all but the one of the published ports are internal."""
        if network not in self._declared:
            published = network == PUBLISHED
            self._declared[network] = docker.Network(
                f"{network}-network",
                name=self._naming.of(network),
                driver="bridge",
                internal=not published,
                options=PUBLISHED_OPTIONS if published else None,
                labels=[
                    docker.NetworkLabelArgs(label=k, value=v)
                    for k, v in self._naming.labels().items()
                ],
                opts=pulumi.ResourceOptions(depends_on=self._after),
            )
        return self._declared[network]


def _of(workload: Workload) -> dict[str, list[str]]:
    # No names where they do not reach each other: of a name's addresses any is tried. For the same
    # reason no hostname is set: the engine makes it an alias on all.
    published: dict[str, list[str]] = {PUBLISHED: []} if workload.ports else {}
    return {**published, **{network: [workload.role] for network in workload.networks}}
