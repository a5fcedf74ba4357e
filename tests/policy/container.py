"""A container as the policy sees it: declared in the graph, or running on the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROLE = "ontology-hub.role"
COURIER = "-files"

# What the engine applies by itself where nothing else is said.
DEFAULT_PROPAGATION = ("", "rprivate", "private")


@dataclass(frozen=True, kw_only=True)
class Container:
    """What the rules ask about, in the engine's words; empty means that the engine decides."""

    role: str
    started: bool
    job: bool
    user: str
    image: str
    command: tuple[str, ...]
    privileged: bool
    added: frozenset[str]
    dropped: frozenset[str]
    security_options: tuple[str, ...]
    read_only: bool
    mounts: tuple[Mapping[str, str], ...]  # type, source, target, propagation
    ports: tuple[Mapping[str, str], ...]  # ip, host, container
    networks: frozenset[str]
    namespaces: Mapping[str, str]  # network, pid, ipc, uts, user
    cgroup_parent: str
    devices: tuple[str, ...]
    ulimits: tuple[str, ...]
    memory: int
    cpu_shares: int
    pids: int | None  # None: not said here
    restart: str
    health: tuple[str, ...]


def declared(inputs: Mapping[str, Any]) -> Container:
    """Return the container that a resource's inputs (camelCase, as the engine gets them) make."""
    capabilities = inputs.get("capabilities") or {}
    labels = {one["label"]: one["value"] for one in inputs.get("labels") or ()}
    mounts = (
        *(inputs.get("mounts") or ()),
        # The short form of a bind mount.
        *({"type": "bind", **volume} for volume in inputs.get("volumes") or ()),
    )
    return Container(
        role=labels.get(ROLE, inputs.get("name", "?")),
        started=bool(inputs.get("start", True)),
        job=bool(inputs.get("attach")),
        user=inputs.get("user") or "",
        image=inputs["image"],
        command=(*(inputs.get("entrypoints") or ()), *(inputs.get("command") or ())),
        privileged=bool(inputs.get("privileged")),
        added=_bare(capabilities.get("adds")),
        dropped=_bare(capabilities.get("drops")),
        security_options=tuple(inputs.get("securityOpts") or ()),
        read_only=bool(inputs.get("readOnly")),
        mounts=tuple(_declared_mount(one) for one in mounts),
        ports=tuple(
            {
                "ip": port.get("ip") or "0.0.0.0",  # noqa: S104
                # Pulumi's mocks turn numbers into floats.
                "host": str(int(port.get("external") or 0)),
                "container": str(int(port["internal"])),
            }
            for port in inputs.get("ports") or ()
        ),
        networks=frozenset(one["name"] for one in inputs.get("networksAdvanced") or ()),
        namespaces={
            "network": inputs.get("networkMode") or "",
            "pid": inputs.get("pidMode") or "",
            "ipc": inputs.get("ipcMode") or "",
            "uts": inputs.get("utsMode") or "",
            "user": inputs.get("usernsMode") or "",
        },
        cgroup_parent=inputs.get("cgroupParent") or "",
        devices=tuple(one["hostPath"] for one in inputs.get("devices") or ()),
        ulimits=tuple(one["name"] for one in inputs.get("ulimits") or ()),
        memory=inputs.get("memory") or 0,
        cpu_shares=inputs.get("cpuShares") or 0,
        pids=None,
        restart=inputs.get("restart") or "no",
        health=tuple((inputs.get("healthcheck") or {}).get("tests") or ()),
    )


def running(inspected: Mapping[str, Any]) -> Container:
    """Return the container that `docker inspect` tells of."""
    host, config = inspected["HostConfig"], inspected["Config"]
    restart = host["RestartPolicy"]["Name"]
    role = config["Labels"].get(ROLE, inspected["Name"])
    return Container(
        role=role,
        started=not role.endswith(COURIER),
        job=restart == "no" and not role.endswith(COURIER),
        user=config["User"],
        image=config["Image"],
        command=(*(config["Entrypoint"] or ()), *(config["Cmd"] or ())),
        privileged=host["Privileged"],
        added=_bare(host["CapAdd"]),
        dropped=_bare(host["CapDrop"]),
        security_options=tuple(host["SecurityOpt"] or ()),
        read_only=host["ReadonlyRootfs"],
        mounts=tuple(
            {
                "type": mount["Type"],
                "source": mount["Source"] if mount["Type"] == "bind" else mount["Name"],
                "target": mount["Destination"],
                "propagation": mount["Propagation"],
            }
            for mount in inspected["Mounts"]
        ),
        ports=tuple(
            {
                "ip": binding["HostIp"] or "0.0.0.0",  # noqa: S104
                "host": binding["HostPort"],
                "container": port.split("/")[0],
            }
            for port, bindings in (host["PortBindings"] or {}).items()
            for binding in bindings
        ),
        networks=frozenset(inspected["NetworkSettings"]["Networks"]) - {"none"},
        namespaces={
            "network": host["NetworkMode"],
            "pid": host["PidMode"],
            "ipc": host["IpcMode"],
            "uts": host["UTSMode"],
            "user": host["UsernsMode"],
        },
        cgroup_parent=host["CgroupParent"],
        devices=tuple(one["PathOnHost"] for one in host["Devices"] or ()),
        ulimits=tuple(one["Name"] for one in host["Ulimits"] or ()),
        memory=host["Memory"],
        cpu_shares=host["CpuShares"],
        pids=host["PidsLimit"] or 0,
        restart=restart or "no",
        health=tuple((config.get("Healthcheck") or {}).get("Test") or ()),
    )


def _bare(capabilities: Any) -> frozenset[str]:
    return frozenset(str(one).removeprefix("CAP_") for one in capabilities or ())


def _declared_mount(mount: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        "type": mount["type"],
        "source": mount.get("source") or mount.get("hostPath") or mount.get("volumeName") or "",
        "target": mount.get("target") or mount.get("containerPath") or "",
        "propagation": (mount.get("bindOptions") or {}).get("propagation") or "",
    }
