"""What a stack that is measured has, who reaches it, and that nothing of it is left when off."""

import json
from typing import Any

import pytest

from tests.infra.declared_graph import IMAGE, NETWORK, VOLUME, Declare, Graph
from tests.infra.test_graph import MEASURING, names, plain
from tests.infra.test_proxy import networks


def configuration(graph: Graph) -> dict[str, Any]:
    """Return what Prometheus is told."""
    (config,) = plain(graph.couriers["prometheus"]["uploads"])
    found: dict[str, Any] = json.loads(config["content"])
    return found


def targets(graph: Graph) -> dict[str, Any]:
    """Return the targets of each job; those of a name that is looked up as `name:port`."""
    found = {}
    for job in configuration(graph)["scrape_configs"]:
        looked_up = [
            f"{name}:{one['port']}"
            for one in job.get("dns_sd_configs", [])
            for name in one["names"]
        ]
        fixed = [one for static in job.get("static_configs", []) for one in static["targets"]]
        found[job["job_name"]] = looked_up + fixed
    return found


@pytest.mark.parametrize(
    ("config", "observed"),
    [
        ({}, True),
        ({"grafana": "false"}, False),
        ({"observability": ""}, True),
        ({"observability": "", "grafana": "false"}, False),
        ({"observability": "false"}, False),
        ({"observability": "true", "grafana": "false"}, True),
    ],
)
def test_it_is_on_where_grafana_is_unless_it_is_said(
    declare: Declare, config: dict[str, str], observed: bool
) -> None:
    assert (declare(config).containers.keys() >= MEASURING) is observed


def test_nothing_of_it_is_there_when_off(declare: Declare) -> None:
    on, off = declare(), declare({"observability": "false"})
    assert on.containers.keys() - off.containers.keys() == MEASURING
    made = names(off, NETWORK) | names(off, VOLUME) | names(off, IMAGE)
    assert not [name for name in made if "metrics" in name or "exporter" in name]
    assert not [name for name in made if "prometheus" in name]
    assert "METRICS_PORT" not in json.dumps(off.containers)
    assert "pg_stat_statements" not in json.dumps(off.containers)
    # The roles job grants what goes with it, so it runs again.
    assert on.containers["roles"]["labels"] != off.containers["roles"]["labels"]


def test_each_is_where_those_are_whom_it_asks_and_nobody_publishes(declare: Declare) -> None:
    graph = declare()
    on = {role: networks(inputs) for role, inputs in graph.containers.items()}
    assert on["prometheus"] == {"metrics", "tools"}
    assert on["postgres-exporter"] == {"tools"}
    assert on["node-exporter"] == {"metrics"}
    members = {role for role, where in on.items() if "metrics" in where}
    assert members == {"prometheus", "node-exporter", "backend", "proxy", "status"}
    for role in MEASURING:
        assert not graph.containers[role].get("ports"), role
    assert graph.resources[NETWORK]["metrics-network"]["internal"] is True


def test_every_target_is_reached_by_its_name_and_port(
    declare: Declare, dumps: dict[str, str]
) -> None:
    expected = {
        "backend": ["backend:9100"],
        "postgres": ["postgres-exporter:9187"],
        "disks": ["node-exporter:9100"],
        "prometheus": ["127.0.0.1:9090"],
    }
    through_proxy = {"proxy": ["proxy:9100"]}
    assert targets(declare({"hotReload": "true"})) == expected
    assert targets(declare()) == {**expected, **through_proxy}
    graph = declare(dumps)
    assert targets(graph) == {**expected, **through_proxy, "backup": ["backup:9100"]}
    for role, variable in (("backend", "METRICS"), ("backup", "HTTP"), ("proxy", "METRICS")):
        assert f"{variable}_PORT=9100" in graph.containers[role]["envs"], role
        assert "metrics" in networks(graph.containers[role]), role
    disks = {one["target"]: one for one in graph.containers["node-exporter"]["mounts"]}
    assert {target: one["source"] for target, one in disks.items()} == {
        "/disks/data": "ontology-hub-test-pgdata",
        "/disks/backups": f"{dumps['backupDir']}/test",
    }
    assert all(one["readOnly"] for one in disks.values())


def test_what_is_kept_is_bounded_in_time_and_size(declare: Declare) -> None:
    prometheus = declare().containers["prometheus"]
    options = dict(option[2:].split("=", 1) for option in prometheus["command"])
    assert options["storage.tsdb.retention.time"]
    assert options["storage.tsdb.retention.size"]
    assert not [option for option in prometheus["command"] if "--web.enable" in option]
    bound = next(one for one in prometheus["envs"] if one.startswith("GOMEMLIMIT="))
    assert int(bound.removeprefix("GOMEMLIMIT=").removesuffix("MiB")) < prometheus["memory"]


def test_what_it_measures_goes_into_its_volume(declare: Declare) -> None:
    graph = declare()
    held = {one["source"]: one for one in graph.containers["prometheus"]["mounts"]}
    assert held["ontology-hub-test-prometheus-data"]["target"] == "/prometheus"


def test_the_server_never_keeps_statements_that_may_hold_a_password(declare: Declare) -> None:
    command = declare().containers["db"]["command"]
    assert command[0] == "postgres"
    assert "shared_preload_libraries=pg_stat_statements" in command
    assert "pg_stat_statements.track_utility=off" in command
