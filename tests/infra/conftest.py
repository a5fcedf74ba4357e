"""Runs the whole program against Pulumi's mocks and hands out the graph it declared."""

import asyncio
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks as runtime_mocks
from pulumi.runtime.stack import wait_for_rpcs

from infra import preflight, stack
from infra.naming import Naming
from infra.targets.engine import Expected
from tests.infra.declared_graph import CONTAINER, IMAGE, Declare, Graph

LOGS = {
    "migrations": '{"logger": "app.result", "message": "migrated", "revision": "0001"}\n',
    "importer": '{"logger": "app.importer", "message": "a note"}\n'
    '{"logger": "app.result", "message": "imported", "summary": {"added": 6, "changed": 5, '
    '"revived": 4, "removed": 3, "unchanged": 2, "errors": 1}}\n',
}


class RecordingMocks(runtime_mocks.Mocks):
    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.graph.resources.setdefault(args.typ, {})[args.name] = args.inputs
        self.graph.order.append(args.name)
        made = {
            IMAGE: {"imageId": f"sha256:{args.name}"},
            CONTAINER: {"containerLogs": LOGS.get(args.name, "")},
            "random:index/randomId:RandomId": {
                "hex": f"{args.inputs.get('prefix', '')}{args.inputs.get('keepers', '')}"
            },
            "random:index/randomPassword:RandomPassword": {"result": f"generated-{args.name}"},
        }
        return f"{args.name}-id", {**args.inputs, **made.get(args.typ, {})}

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program probes nothing, yet it called {args.token}")


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
        monkeypatch.setattr(stack, "project_config", lambda: (given, frozenset(secrets or {})))
        monkeypatch.setattr(preflight, "_free", lambda _address, port: str(port) not in taken)
        monkeypatch.setattr(preflight, "_published_by", lambda _naming: set())
        monkeypatch.setattr(preflight, "missing_twins", lambda _settings: [])
        monkeypatch.setattr(preflight, "foreign_volume", lambda _naming: None)
        monkeypatch.setattr(
            pulumi, "export", lambda key, value: graph.outputs.__setitem__(key, value)
        )

        # What these ask of a real engine is tests/stack's to show.
        async def settle(_container: str, expected: Expected) -> None:
            graph.settled.add(expected.role)

        async def finish(_container: str, role: str, _time_limit: int) -> None:
            graph.finished.add(role)

        async def refuse_others(_naming: Naming, _owner: str) -> None:
            pass

        monkeypatch.setattr("infra.targets.ownership.refuse_others", refuse_others)
        monkeypatch.setattr("infra.targets.engine.settle", settle)
        monkeypatch.setattr("infra.targets.engine.finish", finish)

        async def program() -> None:
            runtime_mocks.set_mocks(RecordingMocks(graph), "ontology-hub", name, preview=False)
            try:
                stack.deploy()
            finally:
                # What is left over would be waited for, in vain, by the next program.
                await wait_for_rpcs()
            for key, value in graph.outputs.items():
                output = pulumi.Output.from_input(value)
                graph.outputs[key] = (await output.future(), await output.is_secret())

        asyncio.run(program())
        return graph

    return run


@pytest.fixture
def dumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A config with the service that makes dumps."""
    monkeypatch.setattr("infra.backups.problems", lambda *_: [])
    (tmp_path / "test").mkdir()
    return {"backupSchedule": "15 3 * * *", "backupDir": str(tmp_path)}
