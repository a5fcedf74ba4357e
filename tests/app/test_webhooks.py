"""/webhooks/github: whose signature is wrong opens nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.histories import files
from tests.app.support import Backend, backend
from tests.app.syncing import (
    IMPORTED,
    SECRET,
    push,
    put,
    secret_file,
    signature,
    until_logged,
)

PATH = "/api/v1/webhooks/github"
SENTINEL = "f00dfeed" * 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webhooks")


@pytest.fixture(scope="module")
def keyed(template: URL, folder: Path) -> Iterator[Backend]:
    """A backend with a webhook secret and without a source."""
    variables = {"WEBHOOK_SECRET_FILE": secret_file(folder), "LOG_LEVEL": "DEBUG"}
    with backend(template, folder, variables=variables) as running:
        yield running


@pytest.fixture(scope="module")
def closed(template: URL, folder: Path) -> Iterator[Backend]:
    """A backend with a source and without a secret."""
    with backend(template, folder, variables={"ONTOLOGY_PATH": str(folder)}) as running:
        yield running


@pytest.fixture(scope="module")
def sourced(template: URL, folder: Path) -> Iterator[Backend]:
    """A backend with a secret and a source that is no ontology: its imports change nothing."""
    variables = {
        "WEBHOOK_SECRET_FILE": secret_file(folder),
        "ONTOLOGY_PATH": str(folder / "nothing"),
    }
    with backend(template, folder, variables=variables) as running:
        yield running


def send(running: Backend, body: bytes, event: str | None, signed: str | None) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    if event is not None:
        headers["X-GitHub-Event"] = event
    if signed is not None:
        headers["X-Hub-Signature-256"] = signed
    return httpx.post(running.url + PATH, content=body, headers=headers, timeout=20)


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


BODY = json.dumps({"ref": "refs/heads/main", "commits": [], "after": SENTINEL}).encode()


def test_without_a_secret_it_is_closed_however_it_is_signed(closed: Backend) -> None:
    for signed in (None, signature(BODY), signature(BODY, ""), "sha256="):
        for event in ("push", "ping", None):
            status, detail = refused(send(closed, BODY, event, signed))
            assert status == 503
            assert "WEBHOOK_SECRET_FILE" in detail


@pytest.mark.parametrize("event", ["push", "ping", None])
def test_an_event_without_a_signature_is_refused(keyed: Backend, event: str | None) -> None:
    assert refused(send(keyed, BODY, event, None)) == (403, "Missing signature header")


@pytest.mark.parametrize(
    "signed",
    [
        *("", "sha256=", SECRET, "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=\xe9"),
        *(signature(BODY)[:-1], signature(BODY) + "0", signature(BODY).removeprefix("sha256=")),
        *(signature(BODY).upper(), signature(BODY, SECRET + "x"), signature(BODY, "")),
        *(signature(BODY + b"\n"), signature(BODY, digest="sha1"), signature(b"")),
    ],
)
def test_an_event_with_a_wrong_signature_is_refused(keyed: Backend, signed: str) -> None:
    headers = [(b"X-GitHub-Event", b"push"), (b"X-Hub-Signature-256", signed.encode("latin-1"))]
    answer = httpx.post(keyed.url + PATH, content=BODY, headers=headers, timeout=20)
    assert refused(answer) == (403, "Invalid signature")


def test_the_signature_is_over_the_bytes_not_what_they_say(keyed: Backend) -> None:
    spread = json.dumps(json.loads(BODY), indent=2).encode()
    assert refused(send(keyed, spread, "push", signature(BODY))) == (403, "Invalid signature")
    assert send(keyed, spread, "push", signature(spread)).status_code == 200


@pytest.mark.parametrize("event", ["ping", "release", "Push", "ünknown"])
def test_another_event_than_a_push_is_ignored(keyed: Backend, event: str) -> None:
    headers = [
        (b"X-GitHub-Event", event.encode("latin-1")),
        (b"X-Hub-Signature-256", signature(b"no").encode()),
    ]
    answer = httpx.post(keyed.url + PATH, content=b"no", headers=headers, timeout=20)
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored", "event": event})


def test_an_event_without_a_name_is_unknown(keyed: Backend) -> None:
    answer = send(keyed, b"", None, signature(b""))
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored", "event": "unknown"})


def test_a_push_is_skipped_where_there_is_no_source(keyed: Backend) -> None:
    answer = send(keyed, BODY, "push", signature(BODY))
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "skipped",
        "event": "push",
        "reason": "Ontology source not configured",
    }


class TestPush:
    @pytest.mark.parametrize(
        ("said", "changed", "forced"),
        [
            ({}, 0, False),
            ({"commits": [], "forced": True}, 0, True),
            (
                {
                    "forced": False,
                    "commits": [
                        {"id": "1", "added": ["a"], "modified": ["b", "c"], "removed": []},
                        {"id": "2", "added": [], "modified": ["a", "b"], "removed": ["c", "d"]},
                        {"id": "3"},
                    ],
                },
                4,
                False,
            ),
        ],
    )
    def test_each_path_that_a_push_touches_counts_once(
        self, sourced: Backend, said: dict[str, Any], changed: int, forced: bool
    ) -> None:
        body = json.dumps(said).encode()
        answer = send(sourced, body, "push", signature(body))
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "accepted",
            "event": "push",
            "files_changed": changed,
            "forced": forced,
            "message": "Sync triggered in background",
        }

    @pytest.mark.parametrize(
        "body", [b"[]", b"7", b'{"commits": 7}', b'{"commits": [{"added": [1]}]}', b'{"forced": 7}']
    )
    def test_a_signed_body_that_is_no_push_is_refused(self, sourced: Backend, body: bytes) -> None:
        answer = send(sourced, body, "push", signature(body))
        assert answer.status_code == 422
        assert [item["loc"][0] for item in answer.json()["errors"]] == ["body"]

    @pytest.mark.parametrize("body", [b"", b"payload=%7B%7D", b'{"commits": [', b"\xff"])
    def test_a_signed_body_that_is_no_json_is_refused(self, sourced: Backend, body: bytes) -> None:
        status, detail = refused(send(sourced, body, "push", signature(body)))
        assert status == 400
        assert "application/json" in detail

    def test_a_push_brings_what_the_source_says_by_then(
        self, app_database: URL, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        put(source, files("categories/Agent"))
        variables = {"WEBHOOK_SECRET_FILE": secret_file(tmp_path), "ONTOLOGY_PATH": str(source)}
        with backend(app_database, tmp_path, variables=variables) as running:
            push(running)
            assert until_logged(running, IMPORTED)["entities_synced"] == 1


def test_neither_the_secret_nor_what_is_sent_is_logged(keyed: Backend) -> None:
    signed = signature(BODY)
    send(keyed, BODY, "push", signed)
    send(keyed, BODY, "push", signed[:-1])
    log = keyed.text()
    assert f'"{PATH}"' in log
    for secret in (SECRET, SENTINEL, signed.removeprefix("sha256=")[:-1]):
        assert secret not in log


def test_what_is_sent_is_described(keyed: Backend) -> None:
    described = keyed.get("/openapi.json").json()["paths"]
    assert [path for path in described if path.endswith("/admin/sync")] == ["/api/v1/admin/sync"]
    assert described["/api/v1/admin/sync"]["post"]["security"] == [{"HTTPBearer": []}]
    content = described[PATH]["post"]["requestBody"]["content"]["application/json"]
    # A reference would be looked up elsewhere in the description.
    assert "$ref" not in json.dumps(content)
    assert set(content["schema"]["properties"]) == {"commits", "forced"}
