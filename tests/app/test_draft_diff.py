"""What a draft would change: compared in the normal form with what is there now."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from app.drafts.diff import Diff, make_diff
from app.drafts.items import Fields, Key, entity_fields
from app.ontology.kinds import Kind
from app.ontology.values import same
from tests.app.drafts_support import (
    Client,
    add_entity,
    client,
    entity,
    module,
    profile,
    proposal,
    seed,
    token_of,
)
from tests.app.support import sql

NOTHING: dict[str, list[Any]] = {"added": [], "modified": [], "deleted": []}
KINDS = ("categories", "properties", "subobjects", "modules", "profiles")


@pytest.fixture(scope="module")
def hub(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    seed(module_database)
    folder = tmp_path_factory.mktemp("diff")
    with client(module_database, roles["app"], folder) as made:
        yield made


def diff(hub: Client, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the diff of this payload, which is the same at creation and later."""
    created = hub.create(payload)
    found: dict[str, Any] = hub.get(token_of(created), "/diff").json()
    assert created["diff_preview"] == found
    return found


def keys(changes: list[dict[str, Any]]) -> list[str]:
    return [change["key"] for change in changes]


def test_the_diff_has_two_versions_and_five_kinds(hub: Client) -> None:
    assert diff(hub, proposal()) == {
        "old_version": "canonical",
        "new_version": "draft",
        **dict.fromkeys(KINDS, NOTHING),
    }


def test_a_new_item_has_no_old_side(hub: Client) -> None:
    payload = proposal(categories=[entity("Fish", {"parent": "Animal"})], modules=[module("sea")])
    found = diff(hub, payload)
    (added,) = found["categories"]["added"]
    assert {name: added[name] for name in ("key", "entity_type", "entity_id", "old")} == {
        "key": "category/Fish",
        "entity_type": "category",
        "entity_id": "Fish",
        "old": None,
    }
    assert set(added["new"]) == {"entity_id", "label", "description", "schema_definition"}
    assert added["new"]["schema_definition"]["parents"] == ["Animal"]
    assert found["modules"]["added"] == [
        {
            "key": "module/sea",
            "entity_type": "module",
            "entity_id": "sea",
            "old": None,
            "new": {
                "module_id": "sea",
                "label": "Sea",
                "description": None,
                "category_ids": [],
                "dependencies": [],
            },
        }
    ]


def test_a_changed_item_has_both_sides_whole(hub: Client) -> None:
    payload = proposal(
        properties=[entity("has_age", {"datatype": "Text", "cardinality": "single"})],
        profiles=[profile("all", module_ids=["zoo"])],
    )
    found = diff(hub, payload)
    (changed,) = found["properties"]["modified"]
    sides = [changed[side]["schema_definition"] for side in ("old", "new")]
    assert [side.pop("datatype") for side in sides] == ["Number", "Text"]
    assert sides[0] == sides[1]
    (changed,) = found["profiles"]["modified"]
    assert [changed[side]["module_ids"] for side in ("old", "new")] == [["base", "zoo"], ["zoo"]]


def test_deletions_of_all_five_kinds_are_shown_with_what_was_there(hub: Client) -> None:
    deletions = {
        "categories": ["Loner"],
        "properties": ["has_nobody"],
        "subobjects": ["Burrow"],
        "modules": ["spare"],
        "profiles": ["none"],
    }
    found = diff(hub, proposal(deletions=deletions))
    for kind, ids in deletions.items():
        (deleted,) = found[kind]["deleted"]
        assert deleted["entity_id"] == ids[0]
        assert deleted["key"] == f"{deleted['entity_type']}/{ids[0]}"
        assert (deleted["new"], deleted["old"]["label"].lower()) == (
            None,
            ids[0].replace("_", " ").lower(),
        )
        assert found[kind] == NOTHING | {"deleted": [deleted]}


def test_the_deletion_of_what_is_not_there_is_no_change(hub: Client) -> None:
    deletions = {kind: ["unheard_of"] for kind in KINDS}
    assert {
        kind: diff(hub, proposal(deletions=deletions))[kind] for kind in KINDS
    } == dict.fromkeys(KINDS, NOTHING)


def test_lists_are_sorted_by_key(hub: Client) -> None:
    new = [entity(name, {}) for name in ("b", "C", "a", "ä", "Z")]
    found = diff(hub, proposal(categories=new))["categories"]["added"]
    assert keys(found) == [f"category/{name}" for name in ("C", "Z", "a", "b", "ä")]


@pytest.mark.parametrize(
    "element",
    [
        entity("Bird"),
        entity(
            "Bird", {"parents": ["Animal"], "properties": ["has_wingspan"], "subobjects": ["Nest"]}
        ),
        entity(
            "Bird",
            {
                "parent": "Animal",
                "parents": ["Animal"],
                "optional_properties": ["has_wingspan"],
                "optional_subobjects": ["Nest"],
                "required_properties": [],
            },
        ),
        # Repeated, or said in the definition alone.
        entity(
            "Bird",
            {
                **{"id": "Bird", "label": "Bird", "description": "As it is.", "parent": "Animal"},
                **{"properties": ["has_wingspan"], "subobjects": ["Nest"]},
            },
            description=None,
        ),
        # The fields beside the definition win over it.
        entity(
            "Bird",
            {
                **{"id": "x", "label": "x", "description": "x", "parent": "Animal"},
                **{"properties": ["has_wingspan"], "subobjects": ["Nest"]},
            },
        ),
    ],
)
def test_equal_facts_in_another_spelling_are_no_change(
    hub: Client, element: dict[str, Any]
) -> None:
    assert diff(hub, proposal(categories=[element]))["categories"] == NOTHING


def test_equal_modules_and_profiles_are_no_change(hub: Client) -> None:
    payload = proposal(
        modules=[module("zoo"), module("base", description="")], profiles=[profile("all")]
    )
    found = diff(hub, payload)
    assert (found["modules"], found["profiles"]) == (NOTHING, NOTHING)


def test_what_is_deleted_already_is_new(hub: Client) -> None:
    add_entity(hub.database, Kind.CATEGORY, "Dodo", {}, gone=True)
    found = diff(hub, proposal(categories=[entity("Dodo", {})], deletions={"properties": ["Dodo"]}))
    assert keys(found["categories"]["added"]) == ["category/Dodo"]
    assert found["properties"] == NOTHING


def test_one_id_may_stand_for_one_thing_of_each_kind(hub: Client) -> None:
    payload = proposal(
        categories=[entity("has_name", {})],
        properties=[entity("has_name")],
        modules=[module("has_name")],
    )
    found = diff(hub, payload)
    assert keys(found["categories"]["added"]) == ["category/has_name"]
    assert found["properties"] == NOTHING
    assert keys(found["modules"]["added"]) == ["module/has_name"]


def test_the_diff_of_a_draft_follows_the_ontology_and_the_preview_does_not(hub: Client) -> None:
    token = hub.token(proposal(categories=[entity("Newt", {})]))
    add_entity(hub.database, Kind.CATEGORY, "Newt", {})
    assert hub.get(token, "/diff").json()["categories"] == NOTHING
    preview = hub.get(token).json()["diff_preview"]
    assert keys(preview["categories"]["added"]) == ["category/Newt"]
    sql(hub.database, "DELETE FROM entities WHERE entity_id = 'Newt'")


def test_a_payload_of_another_program_changes_nothing(hub: Client) -> None:
    token = token_of(hub.post({"payload": {"key": "value"}}).json())
    assert hub.get(token, "/diff").json() == Diff().model_dump(mode="json")


KEYS = st.tuples(st.sampled_from(list(Kind)), st.sampled_from("abc"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 1), st.sampled_from([0.0, 1.0, "", "1"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("xy"), inner)
    ),
    max_leaves=4,
)
STATES = st.dictionaries(KEYS, st.fixed_dictionaries({"v": VALUES}), max_size=6)


@given(STATES, STATES, st.sets(KEYS, max_size=4))
def test_the_diff_applied_to_the_old_gives_the_new(
    old: dict[Key, Fields], new: dict[Key, Fields], deleted: set[Key]
) -> None:
    deleted -= new.keys()
    touched = {key: fields for key, fields in old.items() if key in new or key in deleted}
    found = make_diff(touched, new, deleted)
    applied = dict(old)
    for change in found.all():
        key = (change.entity_type, change.entity_id)
        assert not same(change.old, change.new)
        if change.old is None:
            assert key not in applied
        else:
            assert same(applied.pop(key), change.old)
        if change.new is not None:
            applied[key] = change.new
    expected = {key: fields for key, fields in {**old, **new}.items() if key not in deleted}
    assert applied.keys() == expected.keys()
    assert all(same(applied[key], expected[key]) for key in expected)


@given(VALUES, VALUES)
def test_values_are_the_same_as_postgresql_finds_them(one: Any, other: Any) -> None:
    """Like jsonb's own `=`: numbers by value, and true is no number."""
    assert same(one, one)
    assert same(one, other) == same(other, one)
    assert not same(True, 1)
    assert not same([False], [0])
    assert same({"a": 1}, {"a": 1.0})


def test_the_fields_of_a_normal_form_are_stable() -> None:
    once = entity_fields(Kind.CATEGORY, "A", "A", None, {"parent": "B", "x": 1})
    again = entity_fields(Kind.CATEGORY, "A", "A", None, once["schema_definition"])
    assert once == again
