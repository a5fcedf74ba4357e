"""Runs the whole program against Pulumi's mocks and hands out the graph it declared."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks as runtime_mocks
from pulumi.runtime.stack import wait_for_rpcs

from infra import preflight, stack

# Pulumi's own mark of a secret in what the engine is sent.
SECRET_MARK = "4dabf18193072939515e22adb298388d"

CONTAINER = "docker:index/container:Container"
IMAGE = "docker:index/remoteImage:RemoteImage"
VOLUME = "docker:index/volume:Volume"
NETWORK = "docker:index/network:Network"


@dataclass
class Graph:
    """Every resource that the program registered, by type and then name, with its inputs."""

    resources: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    checked_jobs: set[str] = field(default_factory=set)

    @property
    def containers(self) -> dict[str, dict[str, Any]]:
        return self.resources.get(CONTAINER, {})


class RecordingMocks(runtime_mocks.Mocks):
    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str, dict[str, Any]]:
        self.graph.resources.setdefault(args.typ, {})[args.name] = args.inputs
        self.graph.order.append(args.name)
        made = {
            IMAGE: {"imageId": f"sha256:{args.name}"},
            CONTAINER: {"containerLogs": "migration_revision=0001\n"},
            "random:index/randomPassword:RandomPassword": {"result": f"generated-{args.name}"},
        }
        return f"{args.name}-id", {**args.inputs, **made.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"the program probes nothing, yet it called {args.token}")


Declare = Callable[..., Graph]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Return a function that runs the program with the given config and returns its graph."""

    def run(
        config: dict[str, str] | None = None,
        secrets: dict[str, str] | None = None,
        name: str = "test",
        taken: tuple[str, ...] = (),
    ) -> Graph:
        graph = Graph()
        given = {**(config or {}), **(secrets or {})}
        monkeypatch.setattr(
            stack, "project_config", lambda: (given, frozenset(secrets or {}))
        )
        monkeypatch.setattr(preflight, "_free", lambda _address, port: str(port) not in taken)
        monkeypatch.setattr(preflight, "_published_by", lambda _naming: set())
        monkeypatch.setattr(
            pulumi, "export", lambda key, value: graph.outputs.__setitem__(key, value)
        )

        async def healthy(*_: object) -> None:
            return None

        # What it asks of a real engine is tests/stack's to show.
        monkeypatch.setattr("infra.targets.engine.settle", healthy)

        def hooks(role: str) -> pulumi.ResourceHookBinding:
            # Mocks have no server that the engine could call back.
            graph.checked_jobs.add(role)
            return pulumi.ResourceHookBinding()

        monkeypatch.setattr("infra.targets.engine.job_must_succeed", hooks)

        async def program() -> None:
            runtime_mocks.set_mocks(RecordingMocks(graph), "ontology-hub", name, preview=False)
            stack.deploy()
            await wait_for_rpcs()
            for key, value in graph.outputs.items():
                output = pulumi.Output.from_input(value)
                graph.outputs[key] = (await output.future(), await output.is_secret())

        asyncio.run(program())
        return graph

    return run
