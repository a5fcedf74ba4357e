"""Where the services are: the outputs tell people, and the backend's own page leads there."""

from typing import Any

from tests.infra.declared_graph import Declare

# What stands beside an output that is no secret.
PUBLIC = False


def links(backend: dict[str, Any]) -> dict[str, str]:
    pairs = dict(line.split("=", 1) for line in backend["envs"])
    return {name: pairs[name] for name in ("PGADMIN_URL", "GRAFANA_URL") if name in pairs}


def test_the_backend_is_told_the_published_addresses_of_the_outputs(declare: Declare) -> None:
    graph = declare({"grafana": "true", "portOffset": "100", "bindAddress": "192.0.2.7"})
    assert links(graph.containers["backend"]) == {
        "PGADMIN_URL": "http://192.0.2.7:5150",
        "GRAFANA_URL": "http://192.0.2.7:3100",
    }
    assert graph.outputs["pgadmin_url"] == ("http://192.0.2.7:5150", PUBLIC)
    assert graph.outputs["grafana_url"] == ("http://192.0.2.7:3100", PUBLIC)


def test_of_a_service_that_is_off_there_is_no_address(declare: Declare) -> None:
    graph = declare({"grafana": "false"})
    assert links(graph.containers["backend"]) == {"PGADMIN_URL": "http://127.0.0.1:5050"}
    assert "grafana_url" not in graph.outputs
