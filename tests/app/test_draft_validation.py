"""The report on a draft: each code, and the sum that is drawn from them."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from app.drafts.cycles import cycles
from app.drafts.validation import DATATYPES
from app.ontology.kinds import Kind
from tests.app.drafts_support import (
    Client,
    add_entity,
    add_module,
    client,
    entity,
    module,
    profile,
    proposal,
    seeded,
)
from tests.app.support import sql

FIELDS = {
    *("entity_type", "entity_id", "field", "code", "message", "severity", "suggested_semver"),
    *("old_value", "new_value"),
}


@pytest.fixture(scope="module")
def hub(
    server: URL,
    template: URL,
    create_database: Callable[[str | None], URL],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Client]:
    with (
        seeded(server, template, create_database) as url,
        client(url, tmp_path_factory.mktemp("validation")) as made,
    ):
        yield made


def findings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all findings; checks that each stands where its severity belongs."""
    lists = {"error": report["errors"], "warning": report["warnings"], "info": report["info"]}
    for severity, found in lists.items():
        assert all(set(one) == FIELDS and one["severity"] == severity for one in found)
    assert report["is_valid"] == (not report["errors"])
    return [one for found in lists.values() for one in found]


def only(report: dict[str, Any], code: str) -> dict[str, Any]:
    """Return the one finding with this code."""
    (found,) = [one for one in findings(report) if one["code"] == code]
    return found


def codes(report: dict[str, Any]) -> list[str]:
    return sorted(one["code"] for one in findings(report))


def check(found: dict[str, Any], **expected: Any) -> None:
    assert {name: found[name] for name in expected} == expected


def test_a_draft_that_changes_nothing_is_valid_and_a_patch(hub: Client) -> None:
    report = hub.report(proposal(categories=[entity("Bird")]))
    assert report == {
        "is_valid": True,
        "errors": [],
        "warnings": [],
        "info": [],
        "suggested_semver": "patch",
        "semver_reasons": ["No changes detected"],
    }


@pytest.mark.parametrize(
    ("payload", "code", "entity_type", "entity_id", "field"),
    [
        (
            proposal(categories=[entity("X", {"parent": "nowhere"})]),
            *("MISSING_PARENT", "category", "X", "parent"),
        ),
        (
            proposal(categories=[entity("X", {"parents": ["Animal", "nowhere"]})]),
            *("MISSING_PARENT", "category", "X", "parent"),
        ),
        (
            proposal(categories=[entity("X", {"properties": ["has_name", "nowhere"]})]),
            *("MISSING_PROPERTY", "category", "X", "properties"),
        ),
        (
            proposal(categories=[entity("X", {"required_properties": ["nowhere"]})]),
            *("MISSING_PROPERTY", "category", "X", "properties"),
        ),
        (
            proposal(subobjects=[entity("X", {"optional_properties": ["nowhere"]})]),
            *("MISSING_PROPERTY", "subobject", "X", "properties"),
        ),
        (
            proposal(categories=[entity("X", {"required_subobjects": ["Nest", "nowhere"]})]),
            *("MISSING_SUBOBJECT", "category", "X", "subobjects"),
        ),
        (
            proposal(modules=[module("x", category_ids=["Bird", "nowhere"])]),
            *("MISSING_CATEGORY", "module", "x", "category_ids"),
        ),
        (
            proposal(modules=[module("x", dependencies=["zoo", "nowhere"])]),
            *("MISSING_MODULE", "module", "x", "dependencies"),
        ),
        (
            proposal(profiles=[profile("x", module_ids=["zoo", "nowhere"])]),
            *("MISSING_MODULE", "profile", "x", "module_ids"),
        ),
    ],
)
def test_what_is_named_and_does_not_exist_is_an_error(
    hub: Client, payload: dict[str, Any], code: str, entity_type: str, entity_id: str, field: str
) -> None:
    report = hub.report(payload)
    found = only(report, code)
    check(found, entity_type=entity_type, entity_id=entity_id, field=field, severity="error")
    check(found, suggested_semver=None, new_value="nowhere")
    assert "nowhere" in found["message"]
    assert len(report["errors"]) == 1
    assert report["suggested_semver"] == "patch"
    assert report["semver_reasons"] == ["The draft has errors (1): mend them first"]


def test_what_the_draft_itself_brings_is_known_and_the_kinds_are_not_mixed(hub: Client) -> None:
    new = proposal(
        categories=[
            entity("X", {"parent": "Y", "properties": ["p"], "subobjects": ["S"]}),
            entity("Y", {}),
        ],
        properties=[entity("p", {"datatype": "Text"})],
        subobjects=[entity("S", {"properties": ["p"]})],
        modules=[module("m", category_ids=["X"], dependencies=["n"]), module("n")],
        profiles=[profile("f", module_ids=["m"])],
    )
    assert hub.report(new)["errors"] == []
    mixed = proposal(categories=[entity("X", {"parent": "has_name", "properties": ["Bird"]})])
    assert codes(hub.report(mixed)) == ["ENTITY_ADDED", "MISSING_PARENT", "MISSING_PROPERTY"]


def test_what_is_soft_deleted_is_unknown(hub: Client) -> None:
    add_entity(hub.database, Kind.CATEGORY, "Quagga", {}, gone=True)
    report = hub.report(proposal(categories=[entity("X", {"parent": "Quagga"})]))
    check(only(report, "MISSING_PARENT"), new_value="Quagga")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (
            proposal(
                categories=[entity("X", {"parent": "Loner"})], deletions={"categories": ["Loner"]}
            ),
            "MISSING_PARENT",
        ),
        (
            proposal(
                categories=[entity("X", {"properties": ["has_nobody"]})],
                deletions={"properties": ["has_nobody"]},
            ),
            "MISSING_PROPERTY",
        ),
        (
            proposal(
                categories=[entity("X", {"subobjects": ["Burrow"]})],
                deletions={"subobjects": ["Burrow"]},
            ),
            "MISSING_SUBOBJECT",
        ),
        (
            proposal(
                modules=[module("x", category_ids=["Loner"])], deletions={"categories": ["Loner"]}
            ),
            "MISSING_CATEGORY",
        ),
        (
            proposal(
                profiles=[profile("x", module_ids=["spare"])], deletions={"modules": ["spare"]}
            ),
            "MISSING_MODULE",
        ),
    ],
)
def test_what_the_draft_deletes_is_no_longer_known(
    hub: Client, payload: dict[str, Any], code: str
) -> None:
    found = only(hub.report(payload), code)
    assert "deletes" in found["message"]


@pytest.mark.parametrize(
    ("deletions", "left"),
    [
        (
            {"properties": ["has_wingspan"]},
            [("MISSING_PROPERTY", "category", "Bird", "properties")],
        ),
        (
            {"properties": ["has_age"]},
            [
                ("MISSING_PROPERTY", "category", "Animal", "properties"),
                ("MISSING_PROPERTY", "subobject", "Nest", "properties"),
            ],
        ),
        ({"subobjects": ["Nest"]}, [("MISSING_SUBOBJECT", "category", "Bird", "subobjects")]),
        (
            {"categories": ["Animal"]},
            [
                ("MISSING_PARENT", "category", "Bird", "parent"),
                ("MISSING_CATEGORY", "module", "zoo", "category_ids"),
            ],
        ),
        (
            {"modules": ["base"]},
            [
                ("MISSING_MODULE", "module", "zoo", "dependencies"),
                ("MISSING_MODULE", "profile", "all", "module_ids"),
            ],
        ),
        # Those that go with it are no longer there to miss it.
        (
            {"subobjects": ["Nest"], "categories": ["Bird"]},
            [("MISSING_CATEGORY", "module", "zoo", "category_ids")],
        ),
    ],
)
def test_what_the_draft_leaves_alone_must_not_name_what_it_deletes(
    hub: Client, deletions: dict[str, list[str]], left: list[tuple[str, ...]]
) -> None:
    report = hub.report(proposal(deletions=deletions))
    found = [
        (one["code"], one["entity_type"], one["entity_id"], one["field"])
        for one in report["errors"]
    ]
    assert found == left


def test_a_great_number_of_items_left_behind_is_cut_and_said_to_be(hub: Client) -> None:
    add_entity(hub.database, Kind.PROPERTY, "has_many", {"datatype": "Text"})
    add_module(hub.database, "crowd", [], [])
    sql(
        hub.database,
        "INSERT INTO profiles (profile_id, label, module_ids)"
        " SELECT 'p' || n, 'p', '[\"crowd\"]' FROM generate_series(1, 501) AS n",
    )
    errors = hub.report(proposal(deletions={"modules": ["crowd"]}))["errors"]
    assert len(errors) == 500
    assert "further items" in errors[-1]["message"]
    assert not any("further" in one["message"] for one in errors[:-1])
    sql(hub.database, "DELETE FROM profiles WHERE profile_id = 'p1'")
    errors = hub.report(proposal(deletions={"modules": ["crowd"]}))["errors"]
    assert len(errors) == 500
    assert not any("further" in one["message"] for one in errors)
    sql(hub.database, "DELETE FROM profiles WHERE module_ids ? 'crowd'")


def test_a_category_must_not_inherit_from_itself(hub: Client) -> None:
    # Closed through what is there: Bird -> Animal -> Thing.
    report = hub.report(
        proposal(categories=[entity("Thing", {"parent": "Bird", "properties": ["has_name"]})])
    )
    found = only(report, "CIRCULAR_INHERITANCE")
    check(found, entity_type="category", entity_id="Thing", field="parent", severity="error")
    assert "Thing -> Bird -> Animal -> Thing" in found["message"]
    own = only(
        hub.report(proposal(categories=[entity("X", {"parents": ["X"]})])), "CIRCULAR_INHERITANCE"
    )
    assert "X -> X" in own["message"]


def test_every_cycle_is_found_once_for_each_of_its_draft_categories(hub: Client) -> None:
    payload = proposal(
        categories=[
            entity("A", {"parent": "B"}),
            entity("B", {"parent": "A"}),
            entity("C", {"parents": ["Bird", "D"]}),
            entity("D", {"parent": "C"}),
            entity("outside", {"parent": "A"}),
        ]
    )
    found = {
        one["entity_id"]: one["message"].partition(": ")[2] for one in hub.report(payload)["errors"]
    }
    assert found == {
        "A": "A -> B -> A",
        "B": "B -> A -> B",
        "C": "C -> D -> C",
        "D": "D -> C -> D",
    }


def test_two_ways_to_one_ancestor_are_no_cycle(hub: Client) -> None:
    payload = proposal(
        categories=[entity("L", {"parent": "Thing"}), entity("X", {"parents": ["L", "Animal"]})]
    )
    assert hub.report(payload)["errors"] == []


def test_a_cycle_that_the_draft_breaks_is_none(hub: Client) -> None:
    add_entity(hub.database, Kind.CATEGORY, "Ring1", {"parent": "Ring2"})
    add_entity(hub.database, Kind.CATEGORY, "Ring2", {"parent": "Ring1"})
    assert codes(hub.report(proposal(categories=[entity("X", {"parent": "Ring1"})]))) == [
        "ENTITY_ADDED"
    ]
    assert codes(hub.report(proposal(categories=[entity("Ring2", {"parent": "Ring1"})]))) == [
        "CIRCULAR_INHERITANCE"
    ]
    assert hub.report(proposal(categories=[entity("Ring2", {})]))["errors"] == []


def test_modules_must_not_depend_on_themselves(hub: Client) -> None:
    # Closed through what is there: zoo -> base.
    report = hub.report(proposal(modules=[module("base", dependencies=["zoo"])]))
    found = only(report, "CIRCULAR_DEPENDENCY")
    check(found, entity_type="module", entity_id="base", field="dependencies", severity="error")
    assert "base -> zoo -> base" in found["message"]


@pytest.mark.parametrize("datatype", ["Integer", "text", "", 5, ["Text"], {"a": 1}])
def test_a_datatype_must_be_one_of_eighteen(hub: Client, datatype: Any) -> None:
    found = only(
        hub.report(proposal(properties=[entity("p", {"datatype": datatype})])), "INVALID_DATATYPE"
    )
    check(found, entity_type="property", entity_id="p", field="datatype", severity="error")
    assert all(one in found["message"] for one in DATATYPES)


def test_the_eighteen_datatypes_and_none_at_all_are_valid(hub: Client) -> None:
    assert len(set(DATATYPES)) == 18
    new = [entity(f"p{n}", {"datatype": one}) for n, one in enumerate(DATATYPES)]
    assert hub.report(proposal(properties=[*new, entity("without", {})]))["errors"] == []


@pytest.mark.parametrize(
    ("element", "kind", "code", "severity", "semver", "field", "values"),
    [
        (
            entity("has_age", {"datatype": "Text", "cardinality": "single"}),
            *("properties", "DATATYPE_CHANGED", "warning", "major", "datatype", ("Number", "Text")),
        ),
        (
            entity("has_wingspan", {"datatype": "Quantity", "cardinality": "single"}),
            *("properties", "CARDINALITY_RESTRICTED", "warning", "major", "cardinality"),
            ("multiple", "single"),
        ),
        (
            entity("has_age", {"datatype": "Number", "cardinality": "multiple"}),
            *("properties", "CARDINALITY_RELAXED", "info", "minor", "cardinality"),
            ("single", "multiple"),
        ),
        (
            entity("Animal", {"parent": "Thing", "properties": ["has_name"]}),
            *("categories", "PROPERTY_REMOVED", "warning", "major", "properties"),
            ("has_age", None),
        ),
        (
            entity("Loner", {"properties": ["has_name"]}),
            *("categories", "PROPERTY_ADDED", "info", "minor", "properties", (None, "has_name")),
        ),
        (
            entity("Nest", {}),
            *("subobjects", "PROPERTY_REMOVED", "warning", "major", "properties"),
            ("has_age", None),
        ),
        (
            entity("Burrow", {"properties": ["has_name"]}),
            *("subobjects", "PROPERTY_ADDED", "info", "minor", "properties", (None, "has_name")),
        ),
        (
            entity("Bird", {"parent": "Animal", "properties": ["has_wingspan"]}),
            *("categories", "SUBOBJECT_REMOVED", "warning", "major", "subobjects"),
            ("Nest", None),
        ),
        (
            entity("Loner", {"subobjects": ["Nest"]}),
            *("categories", "SUBOBJECT_ADDED", "info", "minor", "subobjects", (None, "Nest")),
        ),
        (
            entity("Fish", {}),
            *("categories", "ENTITY_ADDED", "info", "minor", None, (None, None)),
        ),
        (entity("p", {}), *("properties", "ENTITY_ADDED", "info", "minor", None, (None, None))),
        (entity("S", {}), *("subobjects", "ENTITY_ADDED", "info", "minor", None, (None, None))),
        (
            entity("Bird", label="Birds"),
            *("categories", "LABEL_CHANGED", "info", "patch", "label", ("Bird", "Birds")),
        ),
        (
            entity("Bird", description="é" * 51),
            *("categories", "DESCRIPTION_CHANGED", "info", "patch", "description"),
            ("As it is.", "é" * 50 + "..."),
        ),
        (
            entity("Bird", description="e" * 50),
            *("categories", "DESCRIPTION_CHANGED", "info", "patch", "description"),
            ("As it is.", "e" * 50),
        ),
        (
            module("zoo", label="The zoo"),
            *("modules", "LABEL_CHANGED", "info", "patch", "label", ("Zoo", "The zoo")),
        ),
        (
            profile("all", description="All of it"),
            *("profiles", "DESCRIPTION_CHANGED", "info", "patch", "description"),
            (None, "All of it"),
        ),
    ],
)
def test_a_change_says_what_it_means(
    hub: Client,
    element: dict[str, Any],
    kind: str,
    code: str,
    severity: str,
    semver: str,
    field: str | None,
    values: tuple[Any, Any],
) -> None:
    report = hub.report(proposal(**{kind: [element]}))
    found = only(report, code)
    check(found, severity=severity, suggested_semver=semver, field=field)
    check(found, old_value=values[0], new_value=values[1])
    assert codes(report) == [code]
    assert report["suggested_semver"] == semver
    (reason,) = report["semver_reasons"]
    assert reason.startswith(f"{code}: {found['entity_id']}")


@pytest.mark.parametrize(
    ("deletions", "entity_type"),
    [
        ({"categories": ["Loner"]}, "category"),
        ({"properties": ["has_nobody"]}, "property"),
        ({"subobjects": ["Burrow"]}, "subobject"),
        ({"modules": ["spare"]}, "module"),
        ({"profiles": ["none"]}, "profile"),
    ],
)
def test_a_removal_is_major(hub: Client, deletions: dict[str, list[str]], entity_type: str) -> None:
    report = hub.report(proposal(deletions=deletions))
    (item_id,) = next(iter(deletions.values()))
    check(
        only(report, "ENTITY_REMOVED"),
        **{"entity_type": entity_type, "entity_id": item_id, "severity": "warning"},
        suggested_semver="major",
    )
    assert report["is_valid"]
    assert (report["suggested_semver"], report["semver_reasons"]) == (
        "major",
        [f"ENTITY_REMOVED: {item_id}"],
    )


def test_the_strongest_step_wins_and_gives_its_own_reasons_alone(hub: Client) -> None:
    minor = [entity("Fish", {}), entity("Bird", label="Birds")]
    report = hub.report(proposal(categories=minor))
    assert (report["suggested_semver"], report["semver_reasons"]) == (
        "minor",
        ["ENTITY_ADDED: Fish"],
    )
    major = [entity("has_age", {"datatype": "Text", "cardinality": "multiple"})]
    report = hub.report(proposal(categories=minor, properties=major))
    assert (report["suggested_semver"], report["semver_reasons"]) == (
        "major",
        ["DATATYPE_CHANGED: has_age (Number -> Text)"],
    )
    wrong = [*minor, entity("X", {"parent": "nowhere"})]
    report = hub.report(proposal(categories=wrong, properties=major))
    assert (report["is_valid"], report["suggested_semver"]) == (False, "patch")
    assert report["semver_reasons"] == ["The draft has errors (1): mend them first"]


def test_a_change_without_a_code_is_a_patch_and_not_said_to_be_none(hub: Client) -> None:
    report = hub.report(proposal(modules=[module("zoo", category_ids=["Bird"])]))
    assert (codes(report), report["suggested_semver"]) == ([], "patch")
    assert report["semver_reasons"] == ["Changed without a rule for its step: module zoo"]


def test_a_cycle_of_any_length_is_found_and_its_message_stays_short() -> None:
    ring = {f"n{one}": [f"n{(one + 1) % 5000}"] for one in range(5000)}
    found = cycles(ring, ring)
    assert found.keys() == ring.keys()
    assert found["n7"].startswith("n7 -> n8 -> ")
    assert found["n7"].endswith(" -> ... -> n7")
    assert max(map(len, found.values())) < 1000


NODES = st.sampled_from("abcdefg")


def reached(graph: dict[str, list[str]], start: str) -> set[str]:
    """Return what can be reached from `start` by at least one edge."""
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph.get(node, [])
    return found


@given(st.dictionaries(NODES, st.lists(NODES, max_size=3)), st.sets(NODES))
def test_a_cycle_is_found_for_exactly_those_that_lie_on_one(
    graph: dict[str, list[str]], members: set[str]
) -> None:
    found = cycles(graph, members)
    assert found.keys() == {node for node in members & graph.keys() if node in reached(graph, node)}
    for node, text in found.items():
        way = text.split(" -> ")
        assert way[0] == way[-1] == node
        assert len(set(way)) == len(way) - 1  # no node twice
        assert all(target in graph[source] for source, target in pairwise(way))
