"""The container section (5) of the CIS Docker Benchmark 1.6 as rules, in this project's words.

A rule looks at one container and returns what is wrong with it, or None. The same rules judge what
the program declares (tests/infra) and what runs on the engine (tests/stack).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tests.policy.container import DEFAULT_PROPAGATION, Container

SENSITIVE = ("/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/var/lib/docker")
SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock")
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104
# The ports that the services are documented to serve on.
NEEDED_PORTS = {
    "db": {"5432"},
    "backend": {"8000"},
    "proxy": {"8000"},
    "pgadmin": {"8080"},
    "grafana": {"3000"},
}
# The interpreter of pgAdmin's public image carries it as a file capability: the kernel would not
# start it without.
NEEDED_CAPABILITIES = {"pgadmin": {"NET_BIND_SERVICE"}}
HIGHEST_PRIVILEGED_PORT = 1023


@dataclass(frozen=True)
class Rule:
    """One recommendation. `exempt` maps a role to the reason why it need not keep the rule."""

    id: str
    name: str
    check: Callable[[Container], str | None]
    exempt: Mapping[str, str] = field(default_factory=dict)

    def broken_by(self, container: Container) -> str | None:
        """Return what is wrong; None for a container that keeps the rule or is exempt."""
        found = None if container.role in self.exempt else self.check(container)
        return found and f"{container.role}: {self.id} {self.name}: {found}"


def violations(containers: Iterable[Container]) -> list[str]:
    """Return what any rule has against any of the containers."""
    return [
        found for container in containers for rule in RULES if (found := rule.broken_by(container))
    ]


def _option(prefix: str) -> Callable[[Container], str | None]:
    def check(container: Container) -> str | None:
        return next((one for one in container.security_options if one.startswith(prefix)), None)

    return check


def _namespace(name: str) -> Callable[[Container], str | None]:
    def check(container: Container) -> str | None:
        shared = container.namespaces[name]
        return shared if shared == "host" or shared.startswith("container:") else None

    return check


def _capabilities(container: Container) -> str | None:
    if not container.started:
        return None
    if "ALL" not in container.dropped:
        return f"not all are dropped: {sorted(container.dropped)}"
    more = container.added - NEEDED_CAPABILITIES.get(container.role, set())
    return f"added: {sorted(more)}" if more else None


def _sensitive_mount(container: Container) -> str | None:
    for mount in container.mounts:
        source = PurePosixPath(mount["source"])
        if mount["type"] == "bind" and (
            source == PurePosixPath("/") or any(source.is_relative_to(one) for one in SENSITIVE)
        ):
            return str(source)
    return None


def _engine_socket(container: Container) -> str | None:
    for mount in container.mounts:
        if mount["source"].endswith(SOCKETS) or mount["source"] in ("/run", "/var/run"):
            return mount["source"]
    return None


def _sshd(container: Container) -> str | None:
    if any(word.rsplit("/", 1)[-1] == "sshd" for word in container.command):
        return "it is the command"
    return next(("port 22" for port in container.ports if port["container"] == "22"), None)


def _privileged_port(container: Container) -> str | None:
    for port in container.ports:
        if 0 < int(port["host"]) <= HIGHEST_PRIVILEGED_PORT:
            return f"host port {port['host']}"
    return None


def _unneeded_port(container: Container) -> str | None:
    needed = NEEDED_PORTS.get(container.role, set())
    return next(
        (port["container"] for port in container.ports if port["container"] not in needed), None
    )


def _unbound_port(container: Container) -> str | None:
    return next((port["ip"] for port in container.ports if port["ip"] in EVERYWHERE), None)


def _root_file_system(container: Container) -> str | None:
    return None if container.read_only or not container.started else "it can be written"


def _memory(container: Container) -> str | None:
    return None if container.memory or not container.started else "no limit"


def _cpu(container: Container) -> str | None:
    return None if container.cpu_shares or not container.started else "no share"


def _restart(container: Container) -> str | None:
    if not container.started or container.restart in ("no", "on-failure", "always"):
        return None
    return container.restart


def _health(container: Container) -> str | None:
    if container.job or not container.started:
        return None
    return None if container.health[:1] in (("CMD",), ("CMD-SHELL",)) else "no health check"


def _pids(container: Container) -> str | None:
    if container.pids is None or container.job or not container.started:
        return None
    return None if 0 < container.pids <= 256 else f"limit {container.pids}"


def _new_privileges(container: Container) -> str | None:
    if not container.started or "no-new-privileges:true" in container.security_options:
        return None
    return "they can be gained"


def _moving_tag(container: Container) -> str | None:
    return None if container.image.startswith("sha256:") else container.image


def _default_bridge(container: Container) -> str | None:
    if container.networks or container.namespaces["network"] == "none":
        return "bridge" if "bridge" in container.networks else None
    return "no network is named"


def _propagation(container: Container) -> str | None:
    return next(
        (
            f"{mount['target']} is {mount['propagation']}"
            for mount in container.mounts
            if mount["propagation"] not in DEFAULT_PROPAGATION
        ),
        None,
    )


def _root_user(container: Container) -> str | None:
    if not container.started or container.user.split(":")[0] not in ("", "0", "root"):
        return None
    return container.user or "the image's"


RULES = (
    Rule("4.1", "an ordinary user", _root_user),
    Rule("5.2", "AppArmor is not turned off", _option("apparmor=unconfined")),
    Rule("5.3", "SELinux is not turned off", _option("label=disable")),
    Rule("5.4", "no capability that is not needed", _capabilities),
    Rule("5.5", "not privileged", lambda one: "privileged" if one.privileged else None),
    Rule("5.6", "no folder of the host's system", _sensitive_mount),
    Rule("5.7", "no sshd", _sshd),
    Rule("5.8", "no privileged host port", _privileged_port),
    Rule("5.9", "no port that is not needed", _unneeded_port),
    Rule("5.10", "its own network", _namespace("network")),
    Rule("5.11", "limited memory", _memory),
    Rule("5.12", "a share of the CPU", _cpu),
    Rule(
        "5.13",
        "a read-only root",
        _root_file_system,
        {"pgadmin": "the public image's entrypoint writes its settings beside its code"},
    ),
    Rule("5.14", "ports bound to one address", _unbound_port),
    # The benchmark asks for on-failure:5. Services here come back after a reboot and after the
    # engine's death as well, which takes `always` (decision 0020); `up` gives up on one that ends
    # again and again.
    Rule("5.15", "a restart policy that is meant", _restart),
    Rule("5.16", "its own processes", _namespace("pid")),
    Rule("5.17", "its own IPC", _namespace("ipc")),
    Rule("5.18", "no device of the host", lambda one: ", ".join(one.devices) or None),
    Rule("5.19", "the engine's ulimits", lambda one: ", ".join(one.ulimits) or None),
    Rule("5.20", "no shared mount propagation", _propagation),
    Rule("5.21", "its own UTS", _namespace("uts")),
    Rule("5.22", "seccomp is not turned off", _option("seccomp=unconfined")),
    Rule("5.25", "the engine's cgroup", lambda one: one.cgroup_parent or None),
    Rule("5.26", "no new privileges", _new_privileges),
    Rule("5.27", "a health check", _health),
    Rule("5.28", "an image that is told by its content", _moving_tag),
    # The graph cannot say it (docs/decisions/0007): the running container must have it.
    Rule("5.29", "limited processes", _pids),
    Rule("5.30", "not on the engine's own bridge", _default_bridge),
    Rule("5.31", "its own users", _namespace("user")),
    Rule("5.32", "no socket of the engine", _engine_socket),
)

# Of what a container is not asked: of the engine (5.1 swarm mode) and of who types `docker exec`
# (5.23 and 5.24).
NOT_OF_A_CONTAINER = ("5.1", "5.23", "5.24")
