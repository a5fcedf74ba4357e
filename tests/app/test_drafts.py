"""Drafts over HTTP: how they are made, who may read them, what is refused, what is logged."""

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from app.ontology.kinds import Kind
from tests.app.drafts_support import (
    Client,
    add_entities,
    client,
    entity,
    module,
    profile,
    proposal,
    seed,
    token_of,
)
from tests.app.support import sql

PUBLIC = {
    *("id", "status", "payload", "source_wiki", "base_commit_sha", "expires_at", "created_at"),
    *("diff_preview", "validation_results", "pr_url"),
}
OPAQUE = {"key": "value", "list": [1, 2.5, None, True, {"a": "ä"}]}


@pytest.fixture(scope="module")
def hub(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    seed(module_database)
    folder = tmp_path_factory.mktemp("drafts")
    with client(module_database, roles["app"], folder) as made:
        yield made


def row(hub: Client, token: str) -> dict[str, Any]:
    """Return all columns of the token's draft."""
    capability_hash = hashlib.sha256(token.encode()).hexdigest()
    (found,) = sql(hub.database, "SELECT * FROM drafts WHERE capability_hash = $1", capability_hash)
    return found


def test_both_spellings_of_the_collection_make_a_draft(hub: Client) -> None:
    for path in ("/drafts", "/drafts/"):
        answer = hub.http.post(path, json={"payload": OPAQUE})
        assert (answer.status_code, set(answer.json())) == (
            201,
            {"capability_url", "expires_at", "message"},
        )


def test_the_url_holds_the_token_in_its_fragment_alone(hub: Client) -> None:
    created = hub.post({}).json()
    base, _, token = created["capability_url"].partition("#")
    assert base == f"{hub.running.url}/api/v1/drafts"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert "cannot be recovered" in created["message"]
    assert hub.get(token).json()["payload"] == {}


def test_only_the_hash_of_a_token_is_stored_and_nothing_of_the_row_is_told(hub: Client) -> None:
    for body in ({"payload": OPAQUE}, {"payload": proposal(modules=[module("zoo")])}):
        answer = hub.post(body)
        token = token_of(answer.json())
        stored = row(hub, token)
        assert token not in repr(stored)
        for secret in (str(stored["id"]), stored["capability_hash"]):
            assert secret not in answer.text
        assert stored["capability_hash"] not in hub.get(token).text


def test_a_draft_lives_seven_days(hub: Client) -> None:
    expires = datetime.fromisoformat(hub.post({}).json()["expires_at"])
    left = expires - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7, minutes=1)


def test_a_payload_of_another_program_is_kept_as_it_is(hub: Client) -> None:
    body = {"payload": OPAQUE, "source_wiki": "https://w.example.org", "base_commit_sha": "abc"}
    draft = hub.get(token_of(hub.post(body).json())).json()
    assert set(draft) == PUBLIC
    assert {name: draft[name] for name in body} == body
    assert draft["status"] == "pending"
    assert [draft[name] for name in ("diff_preview", "validation_results", "pr_url")] == [None] * 3


def test_a_proposal_is_answered_and_kept_with_diff_and_report(hub: Client) -> None:
    payload = proposal(categories=[entity("Fish", {"parent": "Animal"})])
    answer = hub.post({"payload": payload, "source_wiki": "other", "base_commit_sha": "other"})
    created = answer.json()
    assert set(created) == {
        *("capability_url", "expires_at", "message"),
        *("diff_preview", "validation_results", "validation_warnings"),
    }
    draft = hub.get(token_of(created)).json()
    assert set(draft) == PUBLIC
    assert draft["diff_preview"] == created["diff_preview"]
    assert draft["validation_results"] == created["validation_results"]
    # The proposal's own wiki and version win over what stands beside it.
    assert (draft["source_wiki"], draft["base_commit_sha"]) == (
        "https://wiki.example.org",
        "v1.0.0",
    )
    assert draft["payload"] == {**payload, "modules": [], "profiles": [], "deletions": None}


def test_wiki_and_version_are_trimmed(hub: Client) -> None:
    payload = proposal() | {"wiki_url": " https://a.example.org\n", "base_version": "\tv2 "}
    draft = hub.get(hub.token(payload)).json()
    assert (draft["source_wiki"], draft["base_commit_sha"]) == ("https://a.example.org", "v2")


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        ({"wiki_url": "wiki.example.org/w"}, "wiki_url", "scheme"),
        ({"wiki_url": "http://[broken"}, "wiki_url", "scheme"),
        ({}, "payload", "nothing"),
        ({"deletions": {"modules": ["unheard_of"]}}, "deletions.modules", "unheard_of"),
    ],
)
def test_what_the_author_may_have_meant_otherwise_is_a_warning(
    hub: Client, change: dict[str, Any], field: str, word: str
) -> None:
    warnings = hub.create(proposal() | change)["validation_warnings"]
    found = next(warning for warning in warnings if warning["field"] == field)
    assert set(found) == {"field", "message", "severity"}
    assert word in found["message"]
    assert found["severity"] == "warning"


@pytest.mark.parametrize(
    ("field", "change", "twin"),
    [
        ("entities.categories", proposal(categories=[entity("tHING", {})]), "Thing"),
        ("modules", proposal(modules=[module("Zoo")]), "zoo"),
        ("profiles", proposal(profiles=[profile("ALL")]), "all"),
    ],
)
def test_a_new_id_that_differs_by_case_only_is_a_warning(
    hub: Client, field: str, change: dict[str, Any], twin: str
) -> None:
    (found,) = hub.create(change)["validation_warnings"]
    assert found["field"] == field
    assert f"differs from {twin} by case only" in found["message"]


def test_the_case_of_another_kind_or_of_what_is_there_already_is_no_warning(hub: Client) -> None:
    other_kind = proposal(properties=[entity("thing", {"datatype": "Text"})])
    assert hub.create(other_kind)["validation_warnings"] == []
    add_entities(hub.database, [(Kind.CATEGORY, name, {}) for name in ("Twin", "twin")])
    add_entities(hub.database, [(Kind.CATEGORY, "goner", {})], gone=True)
    change = proposal(categories=[entity("Twin", {}), entity("Goner", {})])
    assert hub.create(change)["validation_warnings"] == []


def test_a_proposal_with_nothing_to_say_about_has_no_warning(hub: Client) -> None:
    assert hub.create(proposal(modules=[module("zoo")]))["validation_warnings"] == []


def test_answers_about_drafts_stay_out_of_caches(hub: Client) -> None:
    created = hub.post({"payload": proposal()})
    token = token_of(created.json())
    for answer in (
        created,
        hub.get(token),
        hub.get(token, "/diff"),
        hub.get(token, "/files"),
        hub.patch(token, {}),
        hub.get("unknown"),
    ):
        assert answer.headers["cache-control"] == "no-store"


@pytest.fixture(scope="module")
def closed(hub: Client) -> list[str]:
    """Texts that open no draft: each is nearly a token, or once was one."""
    token = hub.token(proposal(modules=[module("zoo")]))
    stored = row(hub, token)
    expired = token_of(hub.post({}).json())
    sql(
        hub.database,
        "UPDATE drafts SET expires_at = now() - interval '1 second' WHERE capability_hash = $1",
        hashlib.sha256(expired.encode()).hexdigest(),
    )
    marked = token_of(hub.post({}).json())
    sql(
        hub.database,
        "UPDATE drafts SET status = 'expired' WHERE capability_hash = $1",
        hashlib.sha256(marked.encode()).hexdigest(),
    )
    return [
        *("A" * 43, "x", "%20", "%00", "%FF", "%F0%9F%A6%86", "a%2Fb", "a/b", "..%2f..", "%25"),
        *(expired, marked, token[:-1], token + "A", token.swapcase(), f"%20{token}", f"{token}/"),
        *(str(stored["id"]), stored["id"].hex, stored["capability_hash"], "'", "x" * 5000),
    ]


def test_whatever_opens_no_draft_is_answered_alike_to_the_byte(
    hub: Client, closed: list[str]
) -> None:
    answers = {
        (answer.status_code, answer.content, tuple(sorted(_without_date(answer.headers).items())))
        for text in closed
        for answer in (
            hub.get(text),
            hub.get(text, "/diff"),
            hub.get(text, "/files"),
            hub.patch(text, {"modules": [module("zoo")]}),
        )
    }
    ((status, content, headers),) = answers
    assert status == 404
    assert b'"detail":"Draft not found"' in content
    assert b"instance" not in content
    assert dict(headers)["content-type"] == "application/problem+json"


@pytest.mark.parametrize("part", ["diff", "files"])
def test_what_is_derived_from_a_draft_is_only_read(hub: Client, part: str) -> None:
    token = token_of(hub.post({"payload": proposal(modules=[module("zoo")])}).json())
    for known in (token, "unknown", "a/b", ""):
        answer = hub.http.patch(f"/drafts/{known}/{part}", json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    for path in (part, f"{part}/", f"{token}/{part}/", f"{token}/{part}s", f"{token}{part}"):
        answer = hub.http.patch(f"/drafts/{path}", json={})
        assert (answer.status_code, answer.content) == (404, hub.get("unknown").content)


def _without_date(headers: Any) -> dict[str, str]:
    # What differs between any two answers: the time, the request's id, the limit's state.
    changing = {"date", "x-request-id", "ratelimit"}
    return {name: value for name, value in headers.items() if name.lower() not in changing}


def test_a_token_opens_its_own_draft_alone(hub: Client) -> None:
    first, second = (token_of(hub.post({"payload": {"n": n}}).json()) for n in (1, 2))
    assert hub.get(first).json()["payload"] == {"n": 1}
    assert hub.get(second).json()["payload"] == {"n": 2}


def test_creations_are_limited_and_refused_bodies_do_not_count(
    database: URL, roles: dict[str, str], tmp_path: Path
) -> None:
    with client(database, roles["app"], tmp_path, variables={"DRAFTS_PER_HOUR": "2"}) as hub:
        assert [hub.post(b"{").status_code for _ in range(3)] == [422] * 3
        assert [hub.post({}).status_code for _ in range(3)] == [201, 201, 429]
        assert len(sql(database, "SELECT FROM drafts")) == 2


def test_concurrent_creations_are_all_kept(hub: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda n: hub.token(proposal() | {"wiki_url": f"w:{n}"}), range(16)))
    assert len({row(hub, token)["source_wiki"] for token in tokens}) == 16


def test_no_token_no_hash_and_no_payload_reaches_the_log(
    database: URL, roles: dict[str, str], tmp_path: Path
) -> None:
    secret = "of-the-wiki"
    payload = proposal(categories=[entity("Secret", {"note": secret}, label=secret)])
    options = ("--access-log", "--log-level", "trace")
    variables = {"LOG_LEVEL": "DEBUG"}
    with client(database, roles["app"], tmp_path, *options, variables=variables) as hub:
        token = hub.token(payload)
        capability_hash = row(hub, token)["capability_hash"]
        for part in ("", "/diff", "/files", "/nothing", "/", "?token=" + token):
            hub.get(token, part)
        hub.patch(token, {"modules": [module("m", label=secret)]})
        hub.patch(token, {"categories": secret})
        hub.http.delete(f"/drafts/{token}")
        hub.post({"payload": {"wiki_url": secret}})
        # Errors of the database and of the application, with the token in hand.
        sql(
            database,
            "UPDATE drafts SET payload = jsonb_build_object('wiki_url', 1, 'more', $1::text)",
            secret,
        )
        assert hub.get(token, "/diff").status_code == 500
        sql(database, "ALTER TABLE drafts RENAME COLUMN payload TO other")
        assert hub.get(token).status_code == 500
        assert hub.post({"payload": payload}).status_code == 500
        hub.running.terminate()
        said = hub.running.text()
    assert '"route": "/api/v1/drafts/{token:draft_token}"' in said
    for word in (token, capability_hash, secret):
        assert word not in said, word
