"""The status service asks every other service that is there, and nobody reaches more for it."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.infra.declared_graph import Declare, Graph
from tests.infra.test_proxy import networks

DEV = {"hotReload": "true"}
# Whoever shows the answer knows of these.
NOT_ASKED = {"db", "backend", "status"}


def env(graph: Graph, role: str) -> dict[str, str]:
    return dict(one.split("=", 1) for one in graph.containers[role]["envs"])


def asked(graph: Graph) -> dict[str, str]:
    """Return the URLs that are asked, by the name on the page."""
    found: dict[str, str] = json.loads(env(graph, "status")["SERVICES"])
    return found


def ended(inputs: dict[str, Any]) -> bool:
    return str(inputs["restart"]) == "no"


@pytest.mark.parametrize("base", [DEV, {}, {"grafana": "false"}, {"observability": "false"}])
@pytest.mark.parametrize("dumped", [False, True])
def test_every_service_is_asked_at_an_address_that_it_shares_a_network_with(
    declare: Declare, dumps: dict[str, str], base: dict[str, str], dumped: bool
) -> None:
    graph = declare(base | (dumps if dumped else {}))
    services = {role for role, inputs in graph.containers.items() if not ended(inputs)}
    hosts = {str(urlsplit(url).hostname) for url in asked(graph).values()}
    assert hosts == services - NOT_ASKED
    for host in hosts:
        assert networks(graph.containers[host]) & networks(graph.containers["status"]), host


def test_the_names_are_those_that_the_page_knows(declare: Declare, dumps: dict[str, str]) -> None:
    assert asked(declare(dumps)) == {
        "pgAdmin": "http://pgadmin:8080/misc/ping",
        "Grafana": "http://grafana:3000/api/health",
        "Proxy": "http://proxy:8404/",
        "Dumps": "http://backup:9100/health",
        "Prometheus": "http://prometheus:9090/-/ready",
        "PostgreSQL exporter": "http://postgres-exporter:9187/",
        "Node exporter": "http://node-exporter:9100/",
    }


@pytest.mark.parametrize("config", [DEV, {}])
def test_the_backend_reaches_it_and_it_publishes_nothing(
    declare: Declare, config: dict[str, str]
) -> None:
    graph = declare(config)
    url = urlsplit(env(graph, "backend")["STATUS_URL"])
    assert (url.hostname, str(url.port)) == ("status", env(graph, "status")["PORT"])
    status = graph.containers["status"]
    assert {"data"} <= networks(graph.containers["backend"]) & networks(status)
    assert not status.get("ports")
    assert "published" not in networks(status)


def test_a_name_that_is_gone_does_not_hold_a_request_for_long(declare: Declare) -> None:
    """Left alone, the resolver looks for it for 10 s."""
    graph = declare()
    for role in ("backend", "status"):
        assert env(graph, role)["RES_OPTIONS"] == "timeout:1 attempts:2"
