"""Entities: the overview, pages, one entity; what all reading routes have in common."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.models import EntityPublic
from tests.app.hub import Hub, ids

ODD = [
    "%00",
    "x%00y",
    "%F0%9F%92%A9",
    "%ED%A0%80",
    "%FF",
    "'",
    "%25",
    "%22%5C",
    "..%2E",
    "a" * 3000,
]


def test_the_overview_counts_the_types_that_have_rows(hub: Hub) -> None:
    assert hub.json("/entities") == {"types": [], "total": 0}
    hub.category("A")
    hub.category("B")
    hub.category("C", deleted=True)
    hub.entity("subobject", "S")
    hub.entity("property", "Has_p", deleted=True)
    assert hub.json("/entities") == {
        "types": [
            {"entity_type": "category", "count": 2},
            {"entity_type": "subobject", "count": 1},
        ],
        "total": 3,
    }


def test_an_entity_is_shown_with_the_contracts_fields_in_their_order(hub: Hub) -> None:
    definition = {"datatype": "Text", "odd": ["ä % ' \" \\", None, 1.5, {"\u2028": "💩"}]}
    hub.entity("property", "Has_p", definition, label="P \x01 ñ", description=None)
    shown = hub.get("/entities/property/Has_p")
    assert shown.headers["content-type"] == "application/json"
    row = shown.json()
    assert list(row) == [
        *("entity_id", "entity_type", "label", "description", "schema_definition"),
        *("id", "commit_sha", "created_at", "updated_at"),
    ]
    assert row["schema_definition"] == definition
    assert (row["label"], row["description"], row["commit_sha"]) == ("P \x01 ñ", None, None)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    ],
)
def test_the_databases_json_is_the_models(hub: Hub, moment: datetime) -> None:
    hub.entity("property", "Has_p", {"datatype": "Text"}, description="d")
    hub.sql("UPDATE entities SET created_at = $1, commit_sha = 'abc'", moment)
    row = hub.json("/entities/property/Has_p")
    model = EntityPublic.model_validate(row)
    assert EntityPublic.model_validate_json(model.model_dump_json()) == model
    assert set(row) == set(EntityPublic.model_fields)
    times = {"created_at", "updated_at"}
    assert model.model_dump(mode="json", exclude=times) == {
        key: value for key, value in row.items() if key not in times
    }
    for name in times:
        # Always six digits, where the model leaves out a zero fraction.
        assert row[name] == getattr(model, name).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_pages_follow_one_another_by_id_in_the_order_of_their_bytes(hub: Hub) -> None:
    names = ["B", "a", "A", "_", "Z", "é", "b", "A b", "A_b", "💩"]
    for name in names:
        hub.category(name)
    hub.entity("property", "C")
    expected = sorted(names)
    first = hub.json("/entities/category", limit=4)
    assert ids(first["items"]) == expected[:4]
    assert (first["next_cursor"], first["has_next"]) == (expected[3], True)
    second = hub.json("/entities/category", limit=4, cursor=first["next_cursor"])
    assert ids(second["items"]) == expected[4:8]
    last = hub.json("/entities/category", limit=4, cursor=second["next_cursor"])
    assert ids(last["items"]) == expected[8:]
    assert (last["next_cursor"], last["has_next"]) == (None, False)


def test_a_page_that_is_exactly_full_is_the_last(hub: Hub) -> None:
    for name in "AB":
        hub.category(name)
    page = hub.json("/entities/category", limit=2)
    assert (ids(page["items"]), page["next_cursor"], page["has_next"]) == (["A", "B"], None, False)


def test_an_empty_page_has_no_cursor(hub: Hub) -> None:
    hub.category("A", deleted=True)
    empty: dict[str, object] = {"items": [], "next_cursor": None, "has_next": False}
    assert hub.json("/entities/category") == empty
    assert hub.json("/entities/category", cursor="zzz") == empty


def test_a_page_has_20_items_unless_said_otherwise(hub: Hub) -> None:
    for number in range(101):
        hub.category(f"C{number:03}")
    assert len(hub.json("/entities/category")["items"]) == 20
    assert len(hub.json("/entities/category", limit=100)["items"]) == 100


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "9" * 30, "1.5"])
def test_a_limit_out_of_range_is_refused(hub: Hub, limit: str) -> None:
    for path, more in (("/entities/category", {}), ("/entities/search", {"q": "ab"})):
        refused = hub.get(path, limit=limit, **more)
        assert refused.status_code == 422
        assert [error["loc"] for error in refused.json()["errors"]] == [["query", "limit"]]


@pytest.mark.parametrize("kind", ["Category", "categories", "module", "%00", "%FF"])
def test_another_type_is_refused(hub: Hub, kind: str) -> None:
    for path in ("", "/", "/X", "/X/used-by", "/X/modules"):
        assert hub.get(f"/entities/{kind}{path}").status_code == 422


@pytest.mark.parametrize(
    "path",
    ["category/B", "category/b", "category/C", "property/A", "category/A%20", "category/A%00"],
)
def test_what_is_not_there_or_deleted_is_not_found(hub: Hub, path: str) -> None:
    hub.category("A")
    hub.category("C", deleted=True)
    missing = hub.get(f"/entities/{path}")
    assert (missing.status_code, missing.json()["detail"]) == (404, "Entity not found")


@pytest.mark.parametrize("odd", ODD)
def test_no_id_however_odd_is_an_error_of_the_server(hub: Hub, odd: str) -> None:
    paths = {
        "Entity not found": ["/entities/category/{}", "/entities/category/{}/inheritance"],
        "Module not found": ["/modules/{}", "/modules/{}/overlaps", "/modules/{}/dependencies"],
        "Profile not found": ["/profiles/{}", "/profiles/{}/modules"],
    }
    paths["Entity not found"] += ["/entities/property/{}/used-by", "/entities/category/{}/modules"]
    paths["Module not found"] += ["/modules/{}/entities"]
    for detail, templates in paths.items():
        for template in templates:
            answer = hub.get(template.format(odd))
            assert (answer.status_code, answer.json()["detail"]) == (404, detail), template


@pytest.mark.parametrize("odd", ["%F0%9F%92%A9", "%ED%A0%80", "%FF", "'", "%25", "a" * 3000])
def test_no_cursor_however_odd_is_an_error_of_the_server(hub: Hub, odd: str) -> None:
    assert hub.get(f"/entities/category?cursor={odd}").status_code == 200


def test_a_cursor_with_a_nul_is_refused(hub: Hub) -> None:
    assert hub.get("/entities/category?cursor=a%00b").status_code == 422


def test_an_id_may_hold_anything_but_a_slash(hub: Hub) -> None:
    for name in ("Ä ö", "a'b", 'a"b\\', "100%", "a?b#c", "a..b", "a\x01b"):
        hub.category(name)
        assert hub.json(f"/entities/category/{quote(name, safe='')}")["entity_id"] == name


def test_the_same_id_may_stand_once_in_each_type(hub: Hub) -> None:
    hub.category("Address")
    hub.entity("subobject", "Address", label="other")
    assert hub.json("/entities/subobject/Address")["label"] == "other"
    assert hub.json("/entities/category/Address")["label"] == "Address"


BOTH = [
    "/entities",
    "/entities/search?q=ab",
    "/entities/category",
    "/entities/property/Has_p/used-by",
    "/entities/category/A/modules",
    "/entities/category/A/inheritance",
    "/modules",
    "/modules/M/entities",
    "/modules/M/overlaps",
    "/modules/M/dependencies",
    "/profiles",
    "/profiles/P/modules",
]


@pytest.mark.parametrize("path", BOTH)
def test_a_slash_at_the_end_changes_no_answer(hub: Hub, path: str) -> None:
    hub.entity("property", "Has_p")
    hub.category("A", properties=["Has_p"])
    hub.module("M", "A")
    hub.profile("P", "M")
    plain, _, query = path.partition("?")
    answers = [hub.get(f"{plain}{slash}?{query}") for slash in ("", "/")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content


ANSWERS = {
    "/entities": "Overview",
    "/entities/search": "EntityPage",
    "/entities/{entity_type}": "EntityPage",
    "/entities/{entity_type}/{entity_id}": "EntityPublic",
    "/entities/category/{entity_id}/inheritance": "Inheritance",
    "/entities/{entity_type}/{entity_id}/used-by": ["EntityPublic"],
    "/entities/{entity_type}/{entity_id}/modules": ["ModulePublic"],
    "/modules": ["ModulePublic"],
    "/modules/{module_id}": "ModulePublic",
    "/modules/{module_id}/entities": "ModuleEntities",
    "/modules/{module_id}/overlaps": {"*": ["string"]},
    "/modules/{module_id}/dependencies": "ModuleDependencies",
    "/profiles": ["ProfilePublic"],
    "/profiles/{profile_id}": "ProfilePublic",
    "/profiles/{profile_id}/modules": ["ModulePublic"],
}


def shape(schema: dict[str, Any]) -> Any:
    """Return a short form of the schema: a model's name, [what a list holds], {"*": values}."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if schema["type"] == "array":
        return [shape(schema["items"])]
    if schema["type"] == "object":
        return {"*": shape(schema["additionalProperties"])}
    return schema["type"]


def test_the_docs_show_each_route_once_and_what_it_answers(hub: Hub) -> None:
    paths = hub.openapi()["paths"]
    assert [path for path in paths if path.endswith("/")] == ["/"]
    shown = {
        path.removeprefix("/api/v1"): shape(
            operation["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        )
        for path, operation in paths.items()
        if path.startswith(("/api/v1/entities", "/api/v1/modules", "/api/v1/profiles"))
    }
    assert shown == ANSWERS


@pytest.mark.parametrize("path", ["/entities/category/A", "/entities/category", "/entities"])
def test_what_the_client_holds_is_not_sent_again(hub: Hub, path: str) -> None:
    hub.category("A")
    first = hub.get(path)
    tag = first.headers["etag"]
    for held in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        same = hub.request("GET", path, {"If-None-Match": held})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in same.headers
    hub.category("B")
    hub.sql("UPDATE entities SET label = 'changed'")
    changed = hub.request("GET", path, {"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_reading_is_allowed(hub: Hub, method: str) -> None:
    hub.category("A")
    for path in ("/entities/category/A", "/entities", "/modules/M"):
        answer = hub.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
COMINGS = st.lists(st.tuples(st.sampled_from(["come", "go"]), NAMES), max_size=3)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    stay=st.sets(NAMES, min_size=1, max_size=12),
    changes=st.lists(COMINGS, max_size=8),
    limit=st.integers(1, 5),
)
def test_each_row_that_stays_is_listed_once_while_others_come_and_go(
    serving: Hub, stay: set[str], changes: list[list[tuple[str, str]]], limit: int
) -> None:
    serving.clear()
    for name in stay:
        serving.category(name)
    steps = iter(changes)
    listed: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = serving.json("/entities/category", limit=limit, **cursor)
        listed += ids(page["items"])
        assert page["has_next"] == (page["next_cursor"] is not None)
        if not page["has_next"]:
            break
        cursor = {"cursor": page["next_cursor"]}
        for what, name in next(steps, []):
            if name not in stay:
                change(serving, what, name)
    assert listed == sorted(set(listed))
    assert stay <= set(listed)


def change(hub: Hub, what: str, name: str) -> None:
    """Let the category come (back), or go."""
    if what == "go":
        hub.delete("entities", name)
        return
    hub.sql(
        "INSERT INTO entities (entity_type, entity_id, label) VALUES ('category', $1, 'x')"
        " ON CONFLICT (entity_id, entity_type) DO UPDATE SET deleted_at = NULL",
        name,
    )
