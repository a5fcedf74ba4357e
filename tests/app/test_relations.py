"""Relations: inheritance, used-by, modules of an entity; deleted rows are nowhere in them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.hub import Hub, ids


def edges(graph: dict[str, Any]) -> set[tuple[str, str]]:
    found = [(edge["source"], edge["target"]) for edge in graph["edges"]]
    assert len(found) == len(set(found))
    return set(found)


def nodes(graph: dict[str, Any]) -> set[str]:
    found = [node["id"] for node in graph["nodes"]]
    assert len(found) == len(set(found))
    return set(found)


def inheritance(hub: Hub, category: str) -> dict[str, Any]:
    graph: dict[str, Any] = hub.json(f"/entities/category/{category}/inheritance")
    return graph


def test_inheritance_shows_all_ancestors_and_direct_children_only(hub: Hub) -> None:
    hub.category("Agent", label="An agent")
    hub.category("Person", "Agent")
    hub.category("Student", "Person")
    hub.category("Bachelor", "Student")
    hub.category("Staff", "Person")
    hub.category("Robot", "Agent")
    graph = inheritance(hub, "Person")
    assert nodes(graph) == {"Agent", "Person", "Student", "Staff"}
    assert edges(graph) == {("Person", "Agent"), ("Student", "Person"), ("Staff", "Person")}
    assert graph["has_circular"] is False
    assert {"id": "Agent", "label": "An agent", "entity_id": "Agent", "is_current": False} in (
        graph["nodes"]
    )
    assert [node["id"] for node in graph["nodes"] if node["is_current"]] == ["Person"]


def test_a_category_without_relatives_is_alone(hub: Hub) -> None:
    hub.category("Agent")
    graph = inheritance(hub, "Agent")
    assert (nodes(graph), edges(graph), graph["has_circular"]) == ({"Agent"}, set(), False)


@pytest.mark.parametrize(
    "definition",
    [
        {"parent": "Agent"},
        {"parents": ["Agent"]},
        {"parent": "Agent", "parents": ["Agent"]},
        {"parent": None, "parents": ["Agent", None, 3, {}, ""]},
        {"parent": "Agent", "parents": "Agent"},
    ],
)
def test_every_spelling_of_a_parent_is_read_both_ways(hub: Hub, definition: dict[str, Any]) -> None:
    hub.category("Agent")
    hub.entity("category", "Person", definition, raw=True)
    for asked in ("Agent", "Person"):
        graph = inheritance(hub, asked)
        assert nodes(graph) == {"Agent", "Person"}
        assert edges(graph) == {("Person", "Agent")}


def test_a_missing_or_deleted_parent_has_an_edge_and_no_node(hub: Hub) -> None:
    hub.category("Person", "Agent", "Gone")
    hub.category("Gone", "Far", deleted=True)
    hub.entity("property", "Agent")
    graph = inheritance(hub, "Person")
    assert nodes(graph) == {"Person"}
    assert edges(graph) == {("Person", "Agent"), ("Person", "Gone")}
    assert graph["has_circular"] is False


def test_a_deleted_child_is_not_shown_and_a_deleted_category_not_found(hub: Hub) -> None:
    hub.category("Agent")
    hub.category("Person", "Agent", deleted=True)
    assert nodes(inheritance(hub, "Agent")) == {"Agent"}
    assert hub.get("/entities/category/Person/inheritance").status_code == 404


@pytest.mark.parametrize(
    "categories",
    [
        {"A": ["A"]},
        {"A": ["B"], "B": ["A"]},
        {"A": ["B"], "B": ["C"], "C": ["B"]},
        {"A": ["B"], "B": ["C"], "C": ["D"], "D": ["A"]},
    ],
)
def test_a_loop_ends_and_is_told(hub: Hub, categories: dict[str, list[str]]) -> None:
    for name, parents in categories.items():
        hub.category(name, *parents)
    graph = inheritance(hub, "A")
    assert graph["has_circular"] is True
    assert nodes(graph) == set(categories)
    assert edges(graph) == {(one, two) for one, parents in categories.items() for two in parents}


def test_a_diamond_is_no_loop_however_many_stand_on_one_another(hub: Hub) -> None:
    """2 ** 40 ways lead to the top: following each of them would never end."""
    for level in range(40):
        above = [f"L{level + 1}", f"R{level + 1}"]
        hub.category(f"L{level}", *above)
        hub.category(f"R{level}", *above)
    graph = inheritance(hub, "L0")
    assert len(nodes(graph)) == 79  # the other one of the lowest level is no ancestor
    assert len(edges(graph)) == 158
    assert graph["has_circular"] is False


def test_a_childs_other_parents_have_an_edge_only_to_what_is_shown(hub: Hub) -> None:
    hub.category("Agent")
    hub.category("Machine")
    hub.category("Person", "Agent")
    hub.category("Cyborg", "Person", "Machine", "Agent", "Missing")
    graph = inheritance(hub, "Person")
    assert nodes(graph) == {"Agent", "Person", "Cyborg"}
    assert edges(graph) == {("Person", "Agent"), ("Cyborg", "Person"), ("Cyborg", "Agent")}


CATEGORIES = [f"C{number}" for number in range(6)]
LATTICES = st.dictionaries(
    st.sampled_from(CATEGORIES), st.lists(st.sampled_from([*CATEGORIES, "missing"]), max_size=3)
)


def reached(start: str, parents: dict[str, list[str]]) -> set[str]:
    """Return what stands above `start`; with `start` itself only where a loop leads to it."""
    found: set[str] = set()
    queue = list(parents.get(start, []))
    while queue:
        one = queue.pop()
        if one not in found:
            found.add(one)
            queue += parents.get(one, [])
    return found


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parents=LATTICES)
def test_inheritance_is_what_following_the_parents_gives(
    serving: Hub, parents: dict[str, list[str]]
) -> None:
    serving.clear()
    for name, above in parents.items():
        serving.category(name, *above)
    for name in parents:
        graph = inheritance(serving, name)
        line = {name, *reached(name, parents)} & parents.keys()
        children = {child for child, its in parents.items() if name in its}
        assert nodes(graph) == line | children
        assert edges(graph) == {
            (child, parent)
            for child in line | children
            for parent in parents[child]
            if child in line or parent in line | children
        }
        assert graph["has_circular"] == any(
            one in reached(one, {key: parents[key] for key in line | children})
            for one in line | children
        )


def test_used_by_lists_the_categories_by_label(hub: Hub) -> None:
    hub.entity("property", "Has_name")
    hub.category("A", required_properties=["Has_name"], label="z")
    hub.category("B", optional_properties=["Has_x", "Has_name"], label="B")
    hub.category("C", properties=["Has_name"], label="B")
    hub.category("D", properties=["Has_other"], subobjects=["Has_name"])
    hub.category("E", properties=["Has_name"], deleted=True)
    hub.entity("subobject", "F", {"properties": ["Has_name"]})
    used = hub.json("/entities/property/Has_name/used-by")
    assert ids(used) == ["B", "C", "A"]
    assert used[0] == hub.json("/entities/category/B")


@pytest.mark.parametrize("kind", ["properties", "subobjects"])
@pytest.mark.parametrize("spelling", ["{}", "required_{}", "optional_{}"])
def test_used_by_reads_every_spelling(hub: Hub, kind: str, spelling: str) -> None:
    entity_type = {"properties": "property", "subobjects": "subobject"}[kind]
    hub.entity(entity_type, "X")
    hub.entity("category", "A", {spelling.format(kind): ["Y", "X"]}, raw=True)
    assert ids(hub.json(f"/entities/{entity_type}/X/used-by")) == ["A"]


def test_used_by_matches_whole_ids_as_they_are(hub: Hub) -> None:
    for name in ("Has_name", "HasXname", "Has_nam", "has_name", 'a"b\\%'):
        hub.entity("property", name)
    hub.category("A", properties=["HasXname", "Has_names", "has_name"])
    assert hub.json("/entities/property/Has_name/used-by") == []
    assert hub.json("/entities/property/Has_nam/used-by") == []
    hub.category("B", properties=['a"b\\%'])
    assert ids(hub.json("/entities/property/a%22b%5C%25/used-by")) == ["B"]


def test_nothing_uses_a_category_whether_it_exists_or_not(hub: Hub) -> None:
    hub.category("A")
    for name in ("A", "missing", "%00"):
        refused = hub.get(f"/entities/category/{name}/used-by")
        assert refused.status_code == 400
        assert refused.json()["detail"] == "used-by only applies to properties and subobjects"


def test_what_is_deleted_or_missing_has_no_relations(hub: Hub) -> None:
    hub.entity("property", "Has_x", deleted=True)
    hub.category("A", properties=["Has_x", "Has_y"])
    hub.category("B", deleted=True)
    hub.module("M", "A", "B")
    for path in ("property/Has_x", "property/Has_y", "category/B", "category/C", "subobject/A"):
        for relation in ("used-by", "modules") if "category" not in path else ("modules",):
            missing = hub.get(f"/entities/{path}/{relation}")
            assert missing.status_code == 404
            assert missing.json()["detail"] == "Entity not found"


def test_the_modules_of_a_category_are_those_that_hold_it(hub: Hub) -> None:
    hub.category("A")
    hub.module("M", "A", "B", label="z")
    hub.module("N", "A", label="y")
    hub.module("O", "AB", "a")
    hub.module("P", "A", deleted=True)
    found = hub.json("/entities/category/A/modules")
    assert ids(found, "module_id") == ["N", "M"]
    assert found[0] == hub.json("/modules/N")


@pytest.mark.parametrize(
    ("entity_type", "key"), [("property", "properties"), ("subobject", "subobjects")]
)
def test_the_modules_of_what_categories_use_are_those_of_the_categories(
    hub: Hub, entity_type: str, key: str
) -> None:
    hub.entity(entity_type, "X")
    hub.category("A", **{key: ["X"]})
    hub.category("B", **{f"optional_{key}": ["X"]})
    hub.category("C", **{key: ["Y"]})
    hub.category("D", **{key: ["X"]}, deleted=True)
    hub.module("M", "A", "B")
    hub.module("N", "C", "D")
    hub.module("O", "B")
    hub.module("P", "A", deleted=True)
    assert ids(hub.json(f"/entities/{entity_type}/X/modules"), "module_id") == ["M", "O"]
