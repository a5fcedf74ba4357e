"""Modules: lists, one of them, what they hold, share and need."""

from typing import Any

import pytest

from app.models import ModulePublic
from tests.app.hub import Hub, ids


def test_modules_are_listed_by_label_and_deleted_ones_not(hub: Hub) -> None:
    assert hub.json("/modules") == []
    hub.module("a", label="b")
    hub.module("b", label="B")
    hub.module("c", label="B")
    hub.module("d", deleted=True)
    assert ids(hub.json("/modules"), "module_id") == ["b", "c", "a"]


def test_a_search_finds_a_part_of_the_label_in_any_case(hub: Hub) -> None:
    hub.module("a", label="Core Ärzte")
    hub.module("core", label="100% x_y \\")
    for term, found in {
        "CORE": ["a"],
        "e ä": ["a"],
        "0%": ["core"],
        "%%": [],
        "x_": ["core"],
        "__": [],
        " \\": ["core"],
        "\\\\": [],
    }.items():
        assert ids(hub.json("/modules", search=term), "module_id") == found, term


@pytest.mark.parametrize("term", ["", "a", "a" * 101, "a\0b"])
@pytest.mark.parametrize("path", ["/modules", "/profiles"])
def test_a_search_of_less_than_2_or_more_than_100_characters_is_refused(
    hub: Hub, path: str, term: str
) -> None:
    refused = hub.get(path, search=term)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["query", "search"]
    assert hub.get(path, search="ä" * 100).status_code == 200


def test_a_module_is_shown_as_its_model_says(hub: Hub) -> None:
    hub.module("M", "B", "A", "A", needs=("N",), label="ä")
    row = hub.json("/modules/M")
    assert list(row) == [
        *("module_id", "label", "description", "category_ids", "dependencies"),
        *("id", "commit_sha", "created_at", "updated_at"),
    ]
    model = ModulePublic.model_validate(row)
    assert set(row) == set(ModulePublic.model_fields)
    times = {"created_at", "updated_at"}
    assert model.model_dump(mode="json", exclude=times) == {
        key: value for key, value in row.items() if key not in times
    }
    assert model.category_ids == ["B", "A", "A"]


@pytest.mark.parametrize("path", ["", "/entities", "/overlaps", "/dependencies"])
def test_a_missing_or_deleted_module_is_not_found(hub: Hub, path: str) -> None:
    hub.module("gone", deleted=True)
    for name in ("gone", "never", "GONE"):
        missing = hub.get(f"/modules/{name}{path}")
        assert (missing.status_code, missing.json()["detail"]) == (404, "Module not found")


def test_a_module_holds_its_categories_and_what_they_list_themselves(hub: Hub) -> None:
    for name in ("p1", "p2", "p3", "p4", "p5"):
        hub.entity("property", name)
    hub.entity("property", "p6", deleted=True)
    hub.entity("subobject", "s1", {"properties": ["p4"]})
    hub.entity("subobject", "s2")
    hub.category("Parent", properties=["p5"])
    hub.category("A", "Parent", label="2", required_properties=["p2"], properties=["p1", "p6"])
    hub.category("B", label="1", properties=["p1", "missing"], optional_subobjects=["s1"])
    hub.category("C", properties=["p3"], subobjects=["s2"], deleted=True)
    hub.module("M", "A", "B", "A", "C", "missing")
    held = hub.json("/modules/M/entities")
    assert list(held) == ["categories", "properties", "subobjects"]
    assert ids(held["categories"]) == ["B", "A"]
    assert ids(held["properties"]) == ["p1", "p2"]
    assert ids(held["subobjects"]) == ["s1"]
    assert held["properties"][0] == hub.json("/entities/property/p1")


@pytest.mark.parametrize("key", ["required_{}", "optional_{}", "{}"])
def test_a_modules_entities_are_read_in_every_spelling(hub: Hub, key: str) -> None:
    hub.entity("property", "p")
    hub.entity("subobject", "s")
    listed = {key.format("properties"): ["p"], key.format("subobjects"): ["s"]}
    hub.entity("category", "A", listed, raw=True)
    hub.module("M", "A")
    held = hub.json("/modules/M/entities")
    assert (ids(held["properties"]), ids(held["subobjects"])) == (["p"], ["s"])


def test_an_empty_module_holds_nothing(hub: Hub) -> None:
    hub.module("M")
    nothing: dict[str, Any] = {"categories": [], "properties": [], "subobjects": []}
    assert hub.json("/modules/M/entities") == nothing
    assert hub.json("/modules/M/overlaps") == {}


def test_overlaps_are_the_categories_that_other_modules_hold_too(hub: Hub) -> None:
    for name in ("A", "B", "C"):
        hub.category(name)
    hub.category("Gone", deleted=True)
    hub.module("M", "A", "B", "C", "Gone", "Never", "A")
    hub.module("O", "A", "Never")
    hub.module("N", "A", "B", "Gone")
    hub.module("P", "C", deleted=True)
    assert hub.json("/modules/M/overlaps") == {"A": ["N", "O"], "B": ["N"], "Never": ["O"]}
    assert hub.json("/modules/O/overlaps") == {"A": ["M", "N"], "Never": ["M"]}


def needs(hub: Hub, module: str) -> dict[str, Any]:
    graph: dict[str, Any] = hub.json(f"/modules/{module}/dependencies")
    return graph


def test_dependencies_are_all_that_is_needed_near_ones_first(hub: Hub) -> None:
    hub.module("app", needs=("lib", "base"))
    hub.module("lib", needs=("core",), label="The library")
    hub.module("base", needs=("core", "core"))
    hub.module("core")
    hub.module("user", needs=("app",))
    graph = needs(hub, "app")
    assert list(graph) == ["nodes", "edges", "missing", "cycles", "has_circular"]
    assert [(node["id"], node["depth"]) for node in graph["nodes"]] == [
        *(("app", 0), ("base", 1), ("lib", 1), ("core", 2)),
    ]
    assert graph["nodes"][2] == {
        "id": "lib",
        "label": "The library",
        "module_id": "lib",
        "is_current": False,
        "depth": 1,
    }
    assert [node["is_current"] for node in graph["nodes"]] == [True, False, False, False]
    assert [(edge["source"], edge["target"]) for edge in graph["edges"]] == [
        *(("app", "base"), ("app", "lib"), ("base", "core"), ("lib", "core")),
    ]
    assert (graph["missing"], graph["cycles"], graph["has_circular"]) == ([], [], False)


def test_what_is_needed_and_missing_or_deleted_has_an_edge_and_no_node(hub: Hub) -> None:
    hub.module("app", needs=("gone", "never"))
    hub.module("gone", needs=("far",), deleted=True)
    graph = needs(hub, "app")
    assert ids(graph["nodes"], "id") == ["app"]
    assert ids(graph["edges"], "target") == ["gone", "never"]
    assert (graph["missing"], graph["has_circular"]) == (["gone", "never"], False)


def test_cycles_end_and_are_marked_each_as_a_group(hub: Hub) -> None:
    hub.module("start", needs=("a", "self"))
    hub.module("a", needs=("b",))
    hub.module("b", needs=("c", "x"))
    hub.module("c", needs=("a",))
    hub.module("x", needs=("y", "z"))
    hub.module("y", needs=("x",))
    hub.module("z")
    hub.module("self", needs=("self",))
    graph = needs(hub, "start")
    assert graph["cycles"] == [["a", "b", "c"], ["self"], ["x", "y"]]
    assert graph["has_circular"] is True
    assert set(ids(graph["nodes"], "id")) == {"start", "a", "b", "c", "x", "y", "z", "self"}
    assert needs(hub, "z")["cycles"] == []


def test_a_chain_of_a_thousand_modules_is_followed_to_its_end(hub: Hub) -> None:
    hub.sql(
        "INSERT INTO modules (module_id, label, dependencies)"
        " SELECT 'm' || i, 'm', jsonb_build_array('m' || i + 1) FROM generate_series(0, 1999) AS i"
    )
    graph = needs(hub, "m0")
    assert len(graph["nodes"]) == 2000
    assert graph["missing"] == ["m2000"]
    assert graph["has_circular"] is False
