"""The stack from an image registry, Grafana included, by the decisions of the first `make up`."""

from collections.abc import Callable, Iterator

import pytest

from infra import versions
from tests.images.registry import serve
from tests.stack.front_door import front_door
from tests.stack.grafana_stand_in import build
from tests.stack.stack_under_test import Stack, docker, eventually, on_the_engine


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    before = on_the_engine()
    with serve() as registry:
        grafana = registry.name(versions.GRAFANA)
        build(grafana, registry.name(versions.PGADMIN))
        docker("push", grafana)
        docker("rmi", grafana, registry.name(versions.PGADMIN))  # the stack is to pull them
        stack = new_stack()
        stack.pulumi("config", "rm", "ontology-hub:imageSource")
        stack.pulumi("config", "rm", "ontology-hub:grafana")
        stack.config(registryMirror=registry.mirror)
        stack.first_up = stack.hub("up")
        yield stack
        stack.destroy()
    assert on_the_engine() == before


def test_the_first_make_up_decides_by_what_answers_and_tells_it(stack: Stack) -> None:
    assert "decided imageSource = registry" in stack.first_up
    assert "decided grafana = true" in stack.first_up
    assert stack.pulumi("config", "get", "ontology-hub:imageSource").strip() == "registry"


def test_a_stack_of_pulled_images_is_healthy(stack: Stack) -> None:
    services = ("db", "backend", "proxy", "pgadmin", "grafana", "status")
    measuring = ("prometheus", "postgres-exporter", "node-exporter")  # on where Grafana is
    assert stack.health() == dict.fromkeys((*services, *measuring), "healthy")
    assert stack.get("/health")[0] == 200


def test_the_front_door_says_of_every_service_that_it_answers(stack: Stack) -> None:
    expected = {
        **{"API": "answers", "Database": "connected", "Proxy": "answers"},
        **{"pgAdmin": "answers, open pgAdmin", "Grafana": "answers, open Grafana"},
        **{"Prometheus": "answers", "PostgreSQL exporter": "answers", "Node exporter": "answers"},
    }
    eventually(lambda: front_door(stack) == expected)


def test_grafana_is_deployed_like_the_others(stack: Stack) -> None:
    assert stack.outputs()["grafana_url"] == f"http://127.0.0.1:{3000 + stack.offset}"
    assert stack.get("/api/health", port=3000)[0] == 200
    assert stack.get("/api/user", port=3000)[0] == 401
    volumes = {mount["Name"]: mount["Destination"] for mount in stack.inspect("grafana")["Mounts"]}
    assert volumes[f"ontology-hub-{stack.name}-grafana-data"] == "/var/lib/grafana"


def test_a_registry_that_is_out_changes_no_decision_and_drops_no_service(stack: Stack) -> None:
    port = stack.pulumi("config", "get", "ontology-hub:registryMirror").strip()
    before = stack.ids()
    assert port.startswith("127.0.0.1:")
    stack.unchanged()
    said = stack.hub("up")
    assert "decided" not in said
    assert stack.ids() == before
