"""The report on a draft: what it may not name, and what must not go round in circles."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.engine import URL

from app.drafts.validation import DATATYPES
from app.ontology.kinds import Kind
from tests.app.drafts_support import (
    Client,
    add_entity,
    add_module,
    check,
    client,
    codes,
    entity,
    module,
    only,
    profile,
    proposal,
    seed,
)
from tests.app.support import sql


@pytest.fixture(scope="module")
def hub(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    seed(module_database)
    folder = tmp_path_factory.mktemp("validation")
    with client(module_database, roles["app"], folder) as made:
        yield made


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
