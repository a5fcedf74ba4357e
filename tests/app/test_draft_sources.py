"""Drafts on imported ontologies of every format: there, and back into the source."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from app.ontology.kinds import Kind
from tests.app import ontologies
from tests.app.conftest import drop
from tests.app.drafts_support import Client, client, proposal
from tests.app.support import ROOT, sql

PUBLISHED = ROOT.parent / "shared" / "data"
NAMES = ("labki-schemas-0c6c9d9", "labki-schemas-d88915c", "labki-ontology-d5fffa1")
SOURCES = [*ontologies.ALL, *(PUBLISHED / name for name in NAMES)]

NOTHING: dict[str, list[Any]] = {"added": [], "modified": [], "deleted": []}


class Source:
    """A hub that holds an ontology, and the tree that it was imported from."""

    def __init__(self, hub: Client, tree: Path) -> None:
        self.hub = hub
        self.tree = tree

    def elements(self) -> dict[str, list[dict[str, Any]]]:
        """Return all that the hub shows, as elements of a draft."""
        found: dict[str, list[dict[str, Any]]] = {
            kind.plural: [
                self._shown(f"/entities/{kind}/{row['id']}", "schema_definition", "entity_id")
                for row in self._ids("entity_id", "entities", kind)
            ]
            for kind in (Kind.CATEGORY, Kind.PROPERTY, Kind.SUBOBJECT)
        }
        for kind, more in (
            (Kind.MODULE, ("category_ids", "dependencies")),
            (Kind.PROFILE, ("module_ids",)),
        ):
            key = f"{kind}_id"
            found[kind.plural] = [
                self._shown(f"/{kind.plural}/{row['id']}", key, *more)
                for row in self._ids(key, kind.plural)
            ]
        return found

    def _ids(self, key: str, table: str, kind: Kind | None = None) -> list[dict[str, Any]]:
        chosen = f" WHERE entity_type = '{kind}'" if kind else ""
        query = f"SELECT {key} AS id FROM {table}{chosen} ORDER BY 1"  # noqa: S608
        return sql(self.hub.database, query)

    def _shown(self, path: str, *keys: str) -> dict[str, Any]:
        shown = self.hub.http.get(path).json()
        return {key: shown[key] for key in ("label", "description", *keys)}

    def part(self, token: str, part: str) -> dict[str, Any]:
        answer = self.hub.get(token, part)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(params=SOURCES, ids=lambda path: path.name)
def source(
    request: pytest.FixtureRequest,
    server: URL,
    template: URL,
    roles: dict[str, str],
    create_database: Callable[[str | None], URL],
    tmp_path: Path,
) -> Iterator[Source]:
    if not request.param.is_dir():
        reason = f"there is no {request.param}: published ontologies are not part of the project"
        pytest.skip(reason)
    tree = tmp_path / "tree"
    shutil.copytree(request.param, tree)
    url = create_database(template.database)
    ontologies.run_import(url, tree)
    variables = {"READS_PER_MINUTE": "100000"}
    with client(url, roles["app"], tmp_path, variables=variables) as hub:
        yield Source(hub, tree)
    drop(server, url)


def test_what_the_hub_shows_is_as_a_draft_no_change(source: Source) -> None:
    elements = source.elements()
    assert elements["categories"]
    created = source.hub.create(proposal(**elements))
    diff = created["diff_preview"]
    assert {kind.plural: diff[kind.plural] for kind in Kind} == dict.fromkeys(
        (kind.plural for kind in Kind), NOTHING
    )
    token = created["capability_url"].partition("#")[2]
    assert source.part(token, "/files") == {"files": [], "patch": "", "unwritable": []}


def test_what_a_draft_changes_arrives_by_its_patch_and_the_next_import(source: Source) -> None:
    elements = source.elements()
    first, *others = elements["categories"]
    changed = {**first, "label": "Other label", "description": "Another description: größer."}
    new_property = {
        "entity_id": "Has_draft",
        "label": "Draft",
        "description": "From a draft.",
        "schema_definition": {"datatype": "Text", "cardinality": "multiple"},
    }
    new_category = {
        "entity_id": "Drafted",
        "label": "Drafted thing",
        "description": "From a draft.",
        "schema_definition": {
            "parent": others[0]["entity_id"],
            "properties": ["Has_draft", elements["properties"][0]["entity_id"]],
        },
    }
    module = elements["modules"][0]
    changed_module = {**module, "category_ids": [*module["category_ids"], "Drafted"]}
    deletions = {
        "properties": [elements["properties"][-1]["entity_id"]],
        "profiles": [elements["profiles"][0]["profile_id"]],
    }
    token = source.hub.token(
        proposal(
            categories=[changed, new_category],
            properties=[new_property],
            modules=[changed_module],
            deletions=deletions,
        )
    )
    found = source.part(token, "/files")
    assert found["unwritable"] == []
    assert sorted(one["change"] for one in found["files"]) == [
        *["added"] * 2,
        *["deleted"] * 2,
        *["modified"] * 2,
    ]
    subprocess.run(
        ["git", "apply", "-"], cwd=source.tree, input=found["patch"].encode(), check=True
    )
    for one in found["files"]:
        path = source.tree / one["path"]
        assert path.exists() == (one["change"] != "deleted")
        if one["content"] is not None:
            assert path.read_bytes() == one["content"].encode()
    ontologies.run_import(source.hub.database, source.tree)
    diff = source.part(token, "/diff")
    assert {kind.plural: diff[kind.plural] for kind in Kind} == dict.fromkeys(
        (kind.plural for kind in Kind), NOTHING
    )
    assert source.part(token, "/files")["patch"] == ""
