"""The published ontologies: the counts and relations that section 5 of the contract lists."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from app.importer.summary import Summary
from tests.app.ontologies import run_import, totals
from tests.app.support import ROOT, sql

DATA = ROOT.parent / "shared" / "data"


class Imported:
    """A published snapshot in a database of its own, and what the tests ask of it."""

    def __init__(self, url: URL, summary: Summary) -> None:
        self.url = url
        self.summary = summary

    def counts(self) -> dict[str, int]:
        return {kind.plural: counts["added"] for kind, counts in self.summary.counts.items()}

    def column(self, query: str, *values: Any) -> list[Any]:
        return [next(iter(row.values())) for row in sql(self.url, query, *values)]

    def edges(self) -> set[tuple[str, str]]:
        query = """SELECT entity_id, jsonb_array_elements_text(schema_definition -> 'parents') AS up
            FROM entities WHERE entity_type = 'category'"""
        return {(row["entity_id"], row["up"]) for row in sql(self.url, query)}

    def users(self, key: str, item_id: str) -> list[str]:
        query = """SELECT entity_id FROM entities WHERE entity_type = 'category'
            AND schema_definition -> $1 @> to_jsonb($2::text) ORDER BY entity_id"""
        return self.column(query, key, item_id)

    def modules(self) -> dict[str, tuple[list[str], list[str]]]:
        rows = sql(self.url, "SELECT module_id, category_ids, dependencies FROM modules")
        return {
            row["module_id"]: (json.loads(row["category_ids"]), json.loads(row["dependencies"]))
            for row in rows
        }

    def profiles(self) -> dict[str, list[str]]:
        rows = sql(self.url, "SELECT profile_id, module_ids FROM profiles")
        return {row["profile_id"]: json.loads(row["module_ids"]) for row in rows}


@pytest.fixture(scope="module")
def imported(
    request: pytest.FixtureRequest, server: URL, template: URL, create_database: Any
) -> Iterator[Imported]:
    folder = DATA / request.param
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}: the published ontologies are not part of the project")
    url = create_database(template.database)
    yield Imported(url, run_import(url, folder))
    sql(server, f"DROP DATABASE {url.database} WITH (FORCE)")


def snapshot(name: str) -> pytest.MarkDecorator:
    """Ask for this snapshot as `imported`."""
    return pytest.mark.parametrize("imported", [name], indirect=True, ids=[name])


format_a = snapshot("labki-schemas-0c6c9d9")
format_b = snapshot("labki-schemas-d88915c")
format_c2 = snapshot("labki-ontology-d5fffa1")


@format_a
def test_format_a_is_read_whole(imported: Imported) -> None:
    assert imported.counts() == {
        "categories": 6, "properties": 12, "subobjects": 1, "modules": 3, "profiles": 2,
    }  # fmt: skip
    assert imported.summary.errors.count == 0
    assert imported.edges() == {
        ("Organization", "Agent"), ("Person", "Agent"), ("Researcher", "Person"),
        ("Student", "Person"),
    }  # fmt: skip
    users = imported.users("properties", "has_name")
    assert users == ["Agent", "Organization", "Person", "Project"]
    assert imported.users("subobjects", "Address") == ["Organization", "Person"]
    assert imported.modules() == {
        "core": (["Agent", "Person", "Organization"], []),
        "projects": (["Project", "Organization"], ["core"]),
        "research": (["Researcher", "Student"], ["core"]),
    }
    assert imported.profiles() == {"default": ["core"], "full": ["core", "projects"]}


@format_a
def test_format_as_dangling_properties_are_told(imported: Imported) -> None:
    told = [str(problem) for problem in imported.summary.warnings.details]
    assert told == [
        f"subobjects/Address.json, line 5: it names the property {name}, which does not exist"
        for name in ("city", "country", "postal_code", "street")
    ]


@format_b
def test_format_b_is_read_whole(imported: Imported) -> None:
    assert imported.counts() == {
        "categories": 3, "properties": 8, "subobjects": 1, "modules": 1, "profiles": 1,
    }  # fmt: skip
    assert imported.summary.errors.count == imported.summary.warnings.count == 0
    assert imported.summary.skipped == {"templates": 1, "dashboards": 1, "resources": 1}
    assert imported.edges() == {("Organization", "Agent"), ("Person", "Agent")}
    assert imported.users("properties", "Has_email") == ["Organization", "Person"]
    assert imported.users("required_properties", "Has_name") == ["Agent"]
    assert imported.users("subobjects", "Address") == ["Organization", "Person"]
    assert imported.modules() == {"Core": (["Agent", "Person", "Organization"], [])}
    assert imported.profiles() == {"Default": ["Core"]}


@format_c2
def test_format_c2_is_read_whole(imported: Imported) -> None:
    assert imported.counts() == {
        "categories": 34, "properties": 165, "subobjects": 10, "modules": 11, "profiles": 1,
    }  # fmt: skip
    assert imported.summary.errors.count == imported.summary.warnings.count == 0
    # The picture and its sidecar are not part of every copy.
    skipped = {**imported.summary.skipped}
    assert skipped.pop("media", 2) == 2
    assert skipped == {"dashboards": 8, "resources": 23}


@format_c2
def test_format_c2s_parents_are_known(imported: Imported) -> None:
    children = {
        "Activity": ["Event", "Experiment", "Project", "Proposal", "Task"],
        "Component": ["Hardware_Component", "Pipeline", "Software_Component"],
        "Agent": ["Organization", "Person"],
        "Person": ["Researcher", "Staff"],
        "Document": ["Publication", "SOP"],
        "Event": ["Workshop"],
    }
    assert imported.edges() == {(one, up) for up, ones in children.items() for one in ones}


@format_c2
def test_format_c2s_properties_are_typed(imported: Imported) -> None:
    def count(key: str) -> dict[str, int]:
        query = """SELECT schema_definition ->> $1 AS value, count(*) AS n FROM entities
            WHERE entity_type = 'property' GROUP BY 1"""
        return {row["value"]: row["n"] for row in sql(imported.url, query, key)}

    assert count("datatype") == {
        "Text": 83, "Page": 41, "Date": 16, "URL": 11, "Number": 10, "Boolean": 2, "Email": 1,
        "Telephone number": 1,
    }  # fmt: skip
    assert count("cardinality") == {"multiple": 31, "single": 134}
    with_key = "SELECT count(*) FROM entities WHERE schema_definition ? $1"
    numbers = {"allowed_values": 33, "allows_value_from_category": 37, "display_precision": 4}
    for key, number in numbers.items():
        assert imported.column(with_key, key) == [number]


@format_c2
def test_format_c2s_relations_are_known(imported: Imported) -> None:
    users = {
        "Has_description": 18, "Has_name": 12, "Has_url": 11, "Has_notes": 11, "Has_project": 8,
        "Has_component": 7, "Has_SOP": 6,
    }  # fmt: skip
    found = {name: len(imported.users("properties", name)) for name in users}
    assert found == users
    used = """SELECT DISTINCT jsonb_array_elements_text(schema_definition -> 'properties')
        FROM entities WHERE entity_type::text = $1"""
    by_categories = set(imported.column(used, "category"))
    by_subobjects = set(imported.column(used, "subobject"))
    everything = set(imported.column("SELECT entity_id FROM entities WHERE entity_type='property'"))
    assert (len(by_categories), len(by_subobjects)) == (134, 43)
    unused = everything - by_categories - by_subobjects
    assert unused == {"Has_ROR_ID", "Has_glossary_term", "Has_total_copies"}


@format_c2
def test_format_c2s_modules_are_known(imported: Imported) -> None:
    expected = {
        "Access": (1, 8, 0), "Activities": (4, 18, 2), "Agents": (4, 15, 3),
        "Documents": (2, 22, 1), "Engineering": (5, 24, 1), "Equipment": (1, 15, 1),
        "Funding": (3, 21, 0), "Knowledge": (7, 29, 2), "Materials": (1, 8, 1),
        "Places": (1, 8, 0), "Training": (1, 7, 0),
    }  # fmt: skip
    query = """SELECT DISTINCT jsonb_array_elements_text(schema_definition -> $1) FROM entities
        WHERE entity_type = 'category' AND entity_id = ANY($2)"""
    modules = imported.modules()
    found = {
        name: (
            len(categories),
            len(imported.column(query, "properties", categories)),
            len(imported.column(query, "subobjects", categories)),
        )
        for name, (categories, _) in modules.items()
    }
    assert found == expected
    members = [one for categories, _ in modules.values() for one in categories]
    assert len(members) == len(set(members)) == 30
    categories = imported.column("SELECT entity_id FROM entities WHERE entity_type = 'category'")
    assert set(categories) - set(members) == {"Activity", "Agent", "Dashboard", "Document"}
    assert len(imported.profiles()["Research_lab"]) == 11


@format_c2
def test_format_c2s_dependencies_are_derived(imported: Imported) -> None:
    needs = {name: needed for name, (_, needed) in imported.modules().items() if needed}
    assert needs == {
        "Access": ["Places"],  # Access points have a location
        "Activities": ["Agents"],
        "Engineering": ["Activities"],
        "Equipment": ["Places"],
        "Funding": ["Agents"],
        "Knowledge": ["Activities"],  # a Workshop is an Event
        "Materials": ["Places"],
    }


@format_c2
def test_format_c2s_labels_are_display_labels_or_names(imported: Imported) -> None:
    query = """SELECT label FROM entities WHERE entity_type = 'category'
        AND label <> entity_id ORDER BY label"""
    # The first, third and fourth have a display label; the second is its file's name.
    assert imported.column(query) == [
        "Access Point", "Funding Program", "Hardware Component", "Software Component",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "imported",
    ["labki-schemas-0c6c9d9", "labki-schemas-d88915c", "labki-ontology-d5fffa1"],
    indirect=True,
)
def test_a_second_import_of_a_published_ontology_changes_nothing(
    imported: Imported, request: pytest.FixtureRequest
) -> None:
    folder: Path = DATA / request.node.callspec.params["imported"]
    again = run_import(imported.url, folder)
    assert set(totals(again)) == {"unchanged"}
    assert again.snapshot is None
