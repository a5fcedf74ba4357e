"""What a service is, told without naming any engine.

A service file (`infra/services/`) builds one `Workload` or `Job`; a target (`infra/targets/`)
turns it into resources. Nothing here imports a provider, so a new target needs no new services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

# Where a container finds the files that the stack gives it, plain and secret alike.
FILES_FOLDER = "/run/secrets"

# The stack's networks. A workload reaches those that share one of them with it, and nobody else.
# The status service, which asks all how they are, is on each of them.
DATA = "data"  # the database and the hub's own programs
TOOLS = "tools"  # the database and the tools that look into it
API = "api"  # the backends and the proxy before them
METRICS = "metrics"  # Prometheus and those whose metrics it reads there


@dataclass(frozen=True, kw_only=True)
class PublicImage:
    """An image that somebody publishes, by its full reference."""

    name: str


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """An image built from this repository, for the service `role` (others may share it).

    `digest` is over everything that decides the content: equal digests mean that no build is due.
    `context` is an absolute folder, `dockerfile` a path inside it.
    """

    role: str
    name: str
    digest: str
    context: str
    dockerfile: str
    target: str
    base: PublicImage


Image = PublicImage | BuiltImage


@dataclass(frozen=True, kw_only=True)
class File:
    """A file with plain content."""

    name: str
    content: str
    uid: int = 0
    mode: str = "0444"

    @property
    def path(self) -> str:
        """Where the container finds it."""
        return f"{FILES_FOLDER}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class SecretFile:
    """A secret, delivered as a file that its owner alone may read.

    It never travels in the environment: `docker inspect` would show it to whoever may look.
    """

    name: str
    value: pulumi.Output[str]
    uid: int
    mode: str = "0400"

    @property
    def path(self) -> str:
        """Where the container finds it."""
        return f"{FILES_FOLDER}/{self.name}"

    @property
    def content(self) -> pulumi.Output[str]:
        """The secret itself."""
        return self.value


@dataclass(frozen=True, kw_only=True)
class VolumeMount:
    """A named volume of the stack, mounted at `path`."""

    volume: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class HostMount:
    """A folder of this machine (absolute `source`), mounted at `path`."""

    source: str
    path: str
    read_only: bool = True


@dataclass(frozen=True, kw_only=True)
class Port:
    """A container port published on the host."""

    container: int
    host: int


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A command that tells by its exit code whether the service is well; times in seconds.

    Failures within `start_period` after the start do not count; `retries` in a row after it do.
    """

    command: Sequence[str]
    interval: int = 2
    timeout: int = 5
    start_period: int = 60
    retries: int = 5


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a container may take.

    `memory` (swap included) and `shared_memory` (/dev/shm) are in MiB; `pids` counts a service's
    processes and threads. A job, which ends within its time limit, has none of its own.
    `cpu_shares` weighs it against others where they compete for the CPU (the engine's own
    containers have 1024).
    """

    memory: int
    cpu_shares: int = 1024
    pids: int | None = None
    shared_memory: int = 64


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A container of the stack.

    `role` names it (`<project>-<stack>-<role>`), and is its name on its `networks`. Whoever
    publishes `ports` needs no network for that.
    Its root file system is read-only, but for /tmp (in memory), unless `writable_root`.
    `user` is `uid:gid`. `capabilities` are added after all were dropped.
    `stop_grace` is how many seconds it may take to end before it is killed.
    `entrypoint` stands in for the image's own, where what it does is to come after something else.
    A container is made anew when any of this changes; `anew_with` (name to value, told apart by
    value only) adds to it what it does not hold itself.
    """

    role: str
    image: Image
    user: str
    limits: Limits
    networks: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[SecretFile] = ()
    files: Sequence[File] = ()
    ports: Sequence[Port] = ()
    mounts: Sequence[VolumeMount | HostMount] = ()
    capabilities: Sequence[str] = ()
    stop_grace: int = 10
    writable_root: bool = False
    anew_with: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Service(Workload):
    """A workload that runs for ever.

    `readiness` says that it can serve (its dependencies included): what others wait for.
    `liveness` says that its process answers: what a target that kills sick containers asks, so
    that an outage of the database does not kill the backends. Without one, `readiness` is both.
    `rolling`: when it is replaced, the new one is ready before the old one goes. It can then
    publish no port and has no fixed name: others find it by its role.
    `in_place_of` is the role of the service that another config has where this one stands: the
    one goes before the other comes, since both publish the same port.
    """

    readiness: Probe
    liveness: Probe | None = None
    rolling: bool = False
    in_place_of: str = ""


@dataclass(frozen=True, kw_only=True)
class Job(Workload):
    """A workload that runs once, and whose failure fails `pulumi up`.

    It runs again when its container is made anew, and not otherwise. `time_limit` is in seconds.
    """

    time_limit: int = 600
