"""What is no draft: refused with 422, the place and the reason, and never a 500."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy.engine import URL

from app.drafts.ids import ItemId, checked_id
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


@pytest.fixture(scope="module")
def hub(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    seed(module_database)
    folder = tmp_path_factory.mktemp("refusals")
    with client(module_database, roles["app"], folder) as made:
        yield made


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"payload": None},
        {"payload": []},
        {"payload": "text"},
        {"payload": {}, "status": "submitted"},
        {"payload": {}, "source_wiki": 1},
        # One key of a proposal is enough to be taken for one.
        {"payload": {"wiki_url": "https://wiki.example.org"}},
        {"payload": {"entities": {}}},
        {"payload": proposal() | {"more": 1}},
        {"payload": proposal() | {"wiki_url": "  "}},
        {"payload": proposal() | {"base_version": ""}},
        {"payload": proposal() | {"entities": None}},
        {"payload": proposal() | {"entities": {"bundles": []}}},
        {"payload": proposal(categories=[{"entity_id": "A", "label": "A"}])},
        {"payload": proposal(categories=[entity("A", {}, more=1)])},
        {"payload": proposal(categories=[entity("A", {}, label="")])},
        {"payload": proposal(categories=[entity("A", {}, label="ä" * 501)])},
        {"payload": proposal(categories=[entity("A", {"parents": "B"})])},
        {"payload": proposal(categories=[entity("A", {"properties": [1]})])},
        {"payload": proposal(categories=[entity("A", {}), entity("A", {})])},
        {"payload": proposal(modules=[module("zoo"), module("zoo")])},
        {"payload": proposal(modules=[module("zoo", more=1)])},
        {"payload": proposal(modules=[module("zoo", category_ids=[1])])},
        {"payload": proposal(profiles=[profile("all", more=1)])},
        {"payload": proposal(deletions={"more": []})},
        {"payload": proposal(deletions={"modules": ["zoo", "zoo"]})},
        {"payload": proposal(modules=[module("zoo")], deletions={"modules": ["zoo"]})},
        {"payload": proposal(modules=[module("zoo", category_ids=["a"] * 10_000)])},
    ],
)
def test_a_body_that_is_no_draft_is_refused(hub: Client, body: Any) -> None:
    answer = hub.post(body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["loc"][0] == "body"


@pytest.mark.parametrize(
    "item_id",
    [
        *("", " ", "a b", "a\tb", "..", ".", "../up", "a/b", "/etc", "a\\b", "a\nb", "a\x7fb"),
        *(".hidden", "_schema", "a|b", "a,b", "[a]", "{a}", "a#b", "a\u2028b", "x" * 201),
    ],
)
def test_an_id_that_no_file_or_page_can_have_is_refused(hub: Client, item_id: str) -> None:
    for payload in (
        proposal(categories=[entity(item_id, {})]),
        proposal(properties=[entity(item_id, {})]),
        proposal(subobjects=[entity(item_id, {})]),
        proposal(modules=[module(item_id)]),
        proposal(profiles=[profile(item_id)]),
        proposal(deletions={"properties": [item_id]}),
    ):
        assert hub.post({"payload": payload}).status_code == 422


@pytest.mark.parametrize("item_id", ["", "a\u200bb", "a\ufeff", "a\U000e0041", "a\n"])
def test_an_id_that_looks_like_another_is_refused(item_id: str) -> None:
    with pytest.raises(ValueError, match="an id must"):
        checked_id(item_id)


def test_the_docs_allow_the_characters_that_an_id_may_have() -> None:
    shown = TypeAdapter(ItemId).json_schema()
    assert (shown["minLength"], shown["maxLength"]) == (1, 200)
    pattern = re.compile(shown["pattern"])
    for number in (*range(0xD800), *range(0xE000, 0x10000)):
        for text in (chr(number), f"a{chr(number)}"):
            assert (pattern.fullmatch(text) is not None) == accepted(text), hex(number)


def accepted(item_id: str) -> bool:
    try:
        return checked_id(item_id) == item_id
    except ValueError:
        return False


def deep(levels: int) -> bytes:
    return b'{"payload": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"payload": {"a": NaN}}',
        b'{"payload": {"a": [-Infinity]}}',
        b'{"payload": {"a": 1e400}}',
        b'{"payload": {"a": 1e300}}',
        b'{"payload": {"a": 1e-300}}',
        b'{"payload": {"a": 9007199254740993}}',
        b'{"payload": {"a": ' + b"9" * 5000 + b"}}",
        b'{"payload": {"a": "\\u0000"}}',
        b'{"payload": {"\\u0000": 1}}',
        b'{"payload": {"a": "\\ud800"}}',
        b'{"payload": {"\\udfff": 1}}',
        b'{"source_wiki": "\\u0000"}',
        b'{"base_commit_sha": "\\udc00 x"}',
        deep(1_000),
        deep(100_000),
        b'{"payload": ' + b"[" * 100_000,
    ],
)
def test_json_that_cannot_be_kept_is_refused(hub: Client, body: bytes) -> None:
    assert hub.post(body).status_code == 422
    token = token_of(hub.post({}).json())
    headers = {"content-type": "application/json"}
    assert hub.http.patch(f"/drafts/{token}", content=body, headers=headers).status_code == 422


def test_the_refusal_says_where_and_why_and_does_not_repeat_what_was_sent(hub: Client) -> None:
    answer = hub.post(b'{"payload": {"a": [0, "SECRET\\u0000"]}}')
    (error,) = answer.json()["errors"]
    assert error["loc"] == ["body", "payload", "a", 1]
    assert "NUL" in error["msg"]
    assert "SECRET" not in answer.text
    bad = entity("A", {"parents": "SECRET"}, label="SECRET")
    assert "SECRET" not in hub.post({"payload": proposal(categories=[bad])}).text


def test_a_body_that_is_said_to_be_something_else_is_refused_as_on_every_route(
    hub: Client,
) -> None:
    for kind in ("text/plain", "application/xml"):
        answer = hub.http.post("/drafts", content=b"{}", headers={"content-type": kind})
        assert answer.status_code == 415
    answer = hub.http.post(
        "/drafts", content=b"{}", headers={"content-type": "Application/Problem+JSON; charset=x"}
    )
    assert answer.status_code == 201


def test_what_json_can_say_is_given_back_as_it_was(hub: Client) -> None:
    payload = {"big": 2**53, "small": 1e-30, "emoji": "🦆", "text": "\x01\u2028", "n": -0.5}
    assert hub.get(token_of(hub.post({"payload": payload}).json())).json()["payload"] == payload
