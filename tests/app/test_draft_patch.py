"""Changes to a draft: merged by id, checked as a whole, and never lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from app.drafts.patch import DraftPatch, merged
from app.drafts.payload import DraftPayload
from tests.app.drafts_support import (
    Client,
    client,
    entity,
    module,
    profile,
    proposal,
    seed,
    token_of,
)
from tests.app.support import sql


@pytest.fixture(scope="module")
def hub(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    seed(module_database)
    folder = tmp_path_factory.mktemp("patch")
    with client(
        module_database, roles["app"], folder, variables={"MAX_BODY_BYTES": "20000"}
    ) as made:
        yield made


def test_a_change_is_kept_with_its_diff_and_report(hub: Client) -> None:
    token = hub.token(proposal(categories=[entity("Bird")]))
    answer = hub.patch(
        token, {"entities": {"categories": [{"entity_id": "Bird", "label": "Birds"}]}}
    )
    assert answer.status_code == 200
    changed = answer.json()
    assert hub.get(token).json() == changed
    assert changed["payload"]["entities"]["categories"] == [entity("Bird", label="Birds")]
    (modified,) = changed["diff_preview"]["categories"]["modified"]
    assert modified["new"]["label"] == "Birds"
    assert [one["code"] for one in changed["validation_results"]["info"]] == ["LABEL_CHANGED"]


def test_null_and_absent_fields_stay_and_lists_are_replaced_whole(hub: Client) -> None:
    first = module("zoo", description="All.", category_ids=["Bird", "Animal"])
    token = hub.token(proposal(modules=[first]))
    patch = {"module_id": "zoo", "label": None, "description": None, "category_ids": ["Thing"]}
    payload = hub.patch(token, {"modules": [patch]}).json()["payload"]
    assert payload["modules"] == [first | {"category_ids": ["Thing"]}]
    payload = hub.patch(token, {"entities": None, "modules": None}).json()["payload"]
    assert payload["modules"] == [first | {"category_ids": ["Thing"]}]


def test_every_list_takes_an_unknown_id_as_a_new_element(hub: Client) -> None:
    token = hub.token(proposal())
    new = {
        "categories": [entity("C", {})],
        "properties": [entity("p", {"datatype": "Text"})],
        "subobjects": [entity("S", {})],
    }
    # A profile after a module, in one change.
    body = {"entities": new, "modules": [module("m")], "profiles": [profile("f")]}
    changed = hub.patch(token, body).json()
    assert changed["payload"]["entities"] == new
    for kind in ("categories", "properties", "subobjects", "modules", "profiles"):
        assert len(changed["diff_preview"][kind]["added"]) == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (
            {"entities": {"categories": [{"entity_id": "New", "label": "New"}]}},
            ["body", "entities", "categories", 0, "schema_definition"],
        ),
        (
            {"entities": {"properties": [{"entity_id": "new", "schema_definition": {}}]}},
            ["body", "entities", "properties", 0, "label"],
        ),
        (
            {"modules": [module("m"), {"module_id": "new"}]},
            ["body", "modules", 1, "label"],
        ),
        (
            {"profiles": [{"profile_id": "new", "module_ids": []}]},
            ["body", "profiles", 0, "label"],
        ),
        (
            {"entities": {"subobjects": [entity("S", {"properties": "x"})]}},
            ["body", "entities", "subobjects", 0],
        ),
        ({"modules": [module("m"), module("m")]}, ["body", "modules"]),
        ({"modules": [module("m", more=1)]}, ["body", "modules", 0, "more"]),
        ({"modules": [module("a/b")]}, ["body", "modules", 0, "module_id"]),
        ({"deletions": {}}, ["body", "deletions"]),
        ({"wiki_url": "x"}, ["body", "wiki_url"]),
        ({"status": "submitted"}, ["body", "status"]),
        # The draft deletes it.
        ({"modules": [module("spare")]}, ["body"]),
        # With what is there, too large.
        ({"modules": [module("m", description="x" * 19_000)]}, ["body"]),
    ],
)
def test_a_change_that_would_make_no_draft_is_refused_and_changes_nothing(
    hub: Client, body: dict[str, Any], place: list[str | int]
) -> None:
    categories = [entity("Bird", {"note": "y" * 2000})]
    token = hub.token(proposal(categories=categories, deletions={"modules": ["spare"]}))
    before = hub.get(token).json()
    answer = hub.patch(token, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["loc"] == place
    assert hub.get(token).json() == before


def test_a_payload_of_another_program_cannot_be_patched(hub: Client) -> None:
    token = token_of(hub.post({"payload": {"key": "value"}}).json())
    answer = hub.patch(token, {"modules": [module("m")]})
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body"])


@pytest.mark.parametrize("status", ["validated", "submitted"])
def test_only_a_pending_draft_can_be_patched(hub: Client, status: str) -> None:
    token = hub.token(proposal() | {"wiki_url": f"https://{status}.example.org"})
    sql(
        hub.database,
        "UPDATE drafts SET status = $1::text::draftstatus WHERE source_wiki = $2",
        *(status, f"https://{status}.example.org"),
    )
    answer = hub.patch(token, {"modules": [module("m")]})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Can only update drafts in pending status"
    assert hub.get(token).json()["status"] == status


def test_changes_at_the_same_time_lose_nothing(hub: Client) -> None:
    token = hub.token(proposal())
    bodies = [{"entities": {"categories": [entity(f"C{n}", {})]}} for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        assert {
            answer.status_code for answer in pool.map(lambda b: hub.patch(token, b), bodies)
        } == {200}
    draft = hub.get(token).json()
    ids = {element["entity_id"] for element in draft["payload"]["entities"]["categories"]}
    assert ids == {f"C{n}" for n in range(12)}
    assert len(draft["diff_preview"]["categories"]["added"]) == 12


def test_a_change_moves_the_time_of_the_last_change_alone(hub: Client) -> None:
    token = hub.token(proposal())
    before = hub.get(token).json()
    hub.patch(token, {"modules": [module("m")]})
    after = hub.get(token).json()
    for name in ("id", "status", "source_wiki", "base_commit_sha", "expires_at", "created_at"):
        assert after[name] == before[name]
    (times,) = sql(
        hub.database, "SELECT created_at, updated_at FROM drafts WHERE id = $1", before["id"]
    )
    assert times["updated_at"] > times["created_at"]


IDS = st.sampled_from(["A", "B", "C", "D"])
TEXT = st.text("xyz", min_size=1, max_size=2)
MODULE = st.fixed_dictionaries(
    {"module_id": IDS, "label": TEXT},
    optional={"description": TEXT, "category_ids": st.lists(TEXT, max_size=2)},
)
CATEGORY = st.fixed_dictionaries(
    {"entity_id": IDS, "label": TEXT, "schema_definition": st.dictionaries(TEXT, TEXT)},
    optional={"description": TEXT},
)


def lists(key: str, elements: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(elements, max_size=4, unique_by=lambda element: element[key])


@given(
    lists("module_id", MODULE),
    lists("module_id", MODULE),
    lists("entity_id", CATEGORY),
    lists("entity_id", CATEGORY),
)
def test_merging_is_by_id_and_leaves_all_else_as_it_was(
    modules: list[Any],
    module_patches: list[Any],
    categories: list[Any],
    category_patches: list[Any],
) -> None:
    stored = DraftPayload.model_validate(
        proposal(modules=modules, categories=categories, profiles=[profile("f")])
    ).model_dump(mode="json")
    before = deepcopy(stored)
    patch = {"modules": module_patches, "entities": {"categories": category_patches}}
    after = merged(stored, DraftPatch.model_validate(patch)).model_dump(mode="json")
    assert stored == before  # the stored one is not changed in place
    assert after["profiles"] == before["profiles"]
    assert after["wiki_url"] == before["wiki_url"]
    for key, old, patches, new in (
        ("module_id", before["modules"], module_patches, after["modules"]),
        (
            "entity_id",
            before["entities"]["categories"],
            category_patches,
            after["entities"]["categories"],
        ),
    ):
        expected = {element[key]: element for element in old}
        for one in patches:
            expected[one[key]] = {**expected.get(one[key], {}), **one}
        assert [element[key] for element in new] == list(expected)
        for element in new:
            wanted = expected[element[key]]
            assert {name: element[name] for name in wanted} == wanted
    # The same once more changes nothing.
    assert merged(after, DraftPatch.model_validate(patch)).model_dump(mode="json") == after


@given(lists("module_id", MODULE))
def test_an_empty_patch_changes_nothing(modules: list[Any]) -> None:
    stored = DraftPayload.model_validate(proposal(modules=modules)).model_dump(mode="json")
    assert merged(stored, DraftPatch()).model_dump(mode="json") == stored


def test_merging_into_a_foreign_payload_is_refused() -> None:
    with pytest.raises(RequestValidationError):
        merged({"key": "value"}, DraftPatch())
