"""The whole graph keeps the CIS Docker Benchmark's container section, and each rule can fail."""

import itertools
from typing import Any

import pytest

from tests.infra.declared_graph import CONTAINER, NETWORK, Declare
from tests.infra.test_graph import plain
from tests.policy.container import declared
from tests.policy.rules import NOT_OF_A_CONTAINER, RULES, Rule, violations

CONFIGS: dict[str, dict[str, str]] = {
    "defaults": {},
    "dev": {"hotReload": "true", "databasePort": "5432", "ontologyPath": "docs"},
    "open to the network": {"bindAddress": "192.0.2.7", "debug": "false"},
    "twins": {"imageSource": "local", "grafana": "false"},
}

# What, put into the inputs of a sound container, breaks a rule.
BREAKS: dict[str, dict[str, Any]] = {
    "4.1": {"user": "0:0"},
    "5.2": {"securityOpts": ["no-new-privileges:true", "apparmor=unconfined"]},
    "5.3": {"securityOpts": ["no-new-privileges:true", "label=disable"]},
    "5.4": {"capabilities": {"drops": ["ALL"], "adds": ["CAP_SYS_ADMIN"]}},
    "5.5": {"privileged": True},
    "5.6": {"mounts": [{"type": "bind", "source": "/etc", "target": "/host"}]},
    "5.7": {"command": ["/usr/sbin/sshd", "-D"]},
    "5.8": {"ports": [{"ip": "127.0.0.1", "external": 80, "internal": 5432}]},
    "5.9": {"ports": [{"ip": "127.0.0.1", "external": 8080, "internal": 9999}]},
    "5.10": {"networkMode": "host"},
    "5.11": {"memory": None},
    "5.12": {"cpuShares": None},
    "5.13": {"readOnly": False},
    "5.14": {"ports": [{"ip": "0.0.0.0", "external": 8080, "internal": 5432}]},  # noqa: S104
    "5.15": {"restart": "unless-stopped"},
    "5.16": {"pidMode": "host"},
    "5.17": {"ipcMode": "host"},
    "5.18": {"devices": [{"hostPath": "/dev/kvm"}]},
    "5.19": {"ulimits": [{"name": "nofile", "soft": 1, "hard": 1}]},
    "5.20": {
        "mounts": [
            {
                "type": "bind",
                "source": "/srv",
                "target": "/srv",
                "bindOptions": {"propagation": "rshared"},
            }
        ]
    },
    "5.21": {"utsMode": "host"},
    "5.22": {"securityOpts": ["no-new-privileges:true", "seccomp=unconfined"]},
    "5.25": {"cgroupParent": "/"},
    "5.26": {"securityOpts": []},
    "5.27": {"healthcheck": None},
    "5.28": {"image": "postgres:latest"},
    "5.30": {"networksAdvanced": None},
    "5.31": {"usernsMode": "host"},
    "5.32": {
        "mounts": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/docker.sock"}]
    },
}
# Told by the running container alone: tests/stack/test_dev_stack.py shows it there.
ONLY_WHEN_RUNNING = {"5.29"}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_container_of_the_graph_keeps_every_rule(
    declare: Declare, config: dict[str, str]
) -> None:
    containers = plain(declare(config).resources[CONTAINER]).values()
    assert len(containers) > 6
    assert violations(declared(inputs) for inputs in containers) == []


@pytest.mark.parametrize(
    "rule",
    [rule for rule in RULES if rule.id not in ONLY_WHEN_RUNNING],
    ids=lambda rule: rule.id,
)
def test_a_graph_that_breaks_a_rule_is_told_by_its_name(declare: Declare, rule: Rule) -> None:
    sound = plain(declare(CONFIGS["dev"]).containers["db"])
    found = violations([declared({**sound, **BREAKS[rule.id]})])
    assert any(one.startswith(f"db: {rule.id} {rule.name}: ") for one in found), found


def test_every_recommendation_is_a_rule_or_not_of_a_container() -> None:
    section = {f"5.{number}" for number in range(1, 33)}
    assert {rule.id for rule in RULES} - {"4.1"} == section - set(NOT_OF_A_CONTAINER)
    assert BREAKS.keys() | ONLY_WHEN_RUNNING == {rule.id for rule in RULES}


def test_an_exemption_is_of_a_role_that_needs_it_and_gives_a_reason(declare: Declare) -> None:
    by_role = plain(declare(CONFIGS["dev"]).containers)
    for rule, role in itertools.chain.from_iterable(
        ((rule, role) for role in rule.exempt) for rule in RULES
    ):
        assert rule.check(declared(by_role[role])), f"{role} keeps {rule.id}: no exemption is due"
        assert len(rule.exempt[role]) > 20


def test_the_database_is_reached_on_an_internal_network_alone(declare: Declare) -> None:
    graph = declare()
    networks = {one["name"]: one for one in graph.resources[NETWORK].values()}
    for one in graph.containers["db"]["networksAdvanced"]:
        assert networks[one["name"]]["internal"] is True, one
    published = networks["ontology-hub-test-published"]
    assert not published.get("internal")
    assert published["options"]["com.docker.network.bridge.enable_icc"] == "false"
    assert published["options"]["com.docker.network.bridge.enable_ip_masquerade"] == "false"
    for role, inputs in graph.containers.items():
        on = {one["name"] for one in inputs.get("networksAdvanced") or ()}
        assert ("ontology-hub-test-published" in on) is bool(inputs.get("ports")), role
