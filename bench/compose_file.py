"""Describe deployed containers in docker compose's words.

What is measured against is made from what the Pulumi program has really deployed, so the two
cannot drift apart; and the same description of compose's own containers must give the same words.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.workload import FILES_FOLDER

Json = dict[str, Any]


def describe(container: Json, image: Json, volume_prefix: str) -> Json:
    """Return a container (as `docker inspect` shows it) as a compose service.

    What its image says itself is left out, and so is the folder of delivered files: how they come
    there is each side's own affair. `volume_prefix` is cut from the names of its volumes.
    """
    config, host, defaults = container["Config"], container["HostConfig"], image["Config"]
    service: Json = {
        "image": container["Image"],
        "hostname": config["Hostname"],
        "user": config["User"],
        "environment": _environment(config["Env"], defaults.get("Env") or []),
        "cap_drop": sorted(host["CapDrop"] or []),
        "cap_add": sorted(host["CapAdd"] or []),
        "security_opt": host["SecurityOpt"] or [],
        "mem_limit": host["Memory"],
        "memswap_limit": host["MemorySwap"],
        "pids_limit": host["PidsLimit"] or 0,
        "ulimits": {
            one["Name"]: {"soft": one["Soft"], "hard": one["Hard"]} for one in host["Ulimits"] or []
        },
        "restart": host["RestartPolicy"]["Name"] or "no",
        "logging": {"driver": host["LogConfig"]["Type"], "options": host["LogConfig"]["Config"]},
        "ports": sorted(_ports(host["PortBindings"] or {})),
        "volumes": sorted(_volumes(container["Mounts"], volume_prefix), key=json.dumps),
    }
    for key, name in (("command", "Cmd"), ("entrypoint", "Entrypoint")):
        if config[name] != defaults.get(name):
            service[key] = config[name]
    if config.get("StopTimeout"):
        service["stop_grace_period"] = f"{config['StopTimeout']}s"
    if check := config.get("Healthcheck"):
        service["healthcheck"] = {
            "test": check["Test"],
            **{
                word: f"{check[name] / 1e9:g}s"
                for word, name in (
                    ("interval", "Interval"),
                    ("timeout", "Timeout"),
                    ("start_period", "StartPeriod"),
                )
            },
            "retries": check["Retries"],
        }
    return service


def compose_file(
    services: Mapping[str, Json],
    images: Mapping[str, str],
    order: Mapping[str, list[str]],
    files: Mapping[str, Path],
) -> str:
    """Return a compose file of the described services.

    `images` maps each image's id to a name that compose can look up, `order` a role to the roles
    it waits for, and `files` a role to the folder with the files that it is to find.
    """
    written: Json = {}
    for role, service in services.items():
        mounts = list(service["volumes"])
        if role in files:
            mounts.append(_bind(str(files[role]), FILES_FOLDER))
        written[role] = {
            **service,
            "image": images[service["image"]],
            "pull_policy": "never",
            "volumes": mounts,
            "depends_on": {one: {"condition": _condition(services[one])} for one in order[role]},
        }
    volumes: Json = {
        mount["source"]: {}
        for service in services.values()
        for mount in service["volumes"]
        if mount["type"] == "volume"
    }
    # JSON is YAML too; a dollar sign begins a variable in either.
    return json.dumps({"services": written, "volumes": volumes}, indent=2).replace("$", "$$")


def _condition(service: Json) -> str:
    # Services of the stack all have a health check; a workload without one is a job.
    return "service_healthy" if "healthcheck" in service else "service_completed_successfully"


def _environment(variables: list[str], defaults: list[str]) -> dict[str, str]:
    return dict(one.split("=", 1) for one in sorted(set(variables) - set(defaults)))


def _ports(bindings: Mapping[str, list[dict[str, str]]]) -> list[str]:
    return [
        f"{one['HostIp']}:{one['HostPort']}:{port}" for port, all in bindings.items() for one in all
    ]


def _volumes(mounts: list[Json], prefix: str) -> list[Json]:
    found: list[Json] = []
    for mount in mounts:
        if mount["Destination"] == FILES_FOLDER:
            continue
        if mount["Type"] == "bind":
            found.append(_bind(mount["Source"], mount["Destination"]))
        elif not re.fullmatch("[0-9a-f]{64}", mount["Name"]):  # else the image's own, anonymous
            found.append(
                {
                    "type": "volume",
                    "source": mount["Name"].removeprefix(prefix),
                    "target": mount["Destination"],
                    "read_only": not mount["RW"],
                }
            )
    return found


def _bind(source: str, target: str) -> Json:
    return {"type": "bind", "source": source, "target": target, "read_only": True}
