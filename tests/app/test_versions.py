"""/versions over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from app.versions.models import VersionDiff, VersionPublic
from tests.app.histories import Snapshots, changed, files
from tests.app.repositories import Repository
from tests.app.support import Backend, backend

AGENT = files("categories/Agent")
PERSON = files("categories/Person", parent="Agent")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("versions") / "source")
    made.commit(AGENT)
    made.tag("v1")
    made.commit(PERSON)
    made.tag("v2", "Ünïcode\n\nPeople come in.")
    made.git("branch", "topic/one#a&b")
    return made


@pytest.fixture(scope="module")
def running(
    template: URL, repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """A backend whose source is a git repository."""
    variables = {"ONTOLOGY_PATH": str(repository.path)}
    with backend(template, tmp_path_factory.mktemp("versions"), variables=variables) as started:
        yield started


@pytest.mark.parametrize("path", ["/api/v1/versions", "/api/v1/versions/"])
def test_the_tags_of_a_checkout_are_listed(running: Backend, path: str) -> None:
    answer = running.get(path)
    assert answer.status_code == 200
    listed = answer.json()
    assert [(one["tag_name"], one["name"]) for one in listed] == [("v2", "Ünïcode"), ("v1", None)]
    assert set(listed[0]) == set(VersionPublic.model_fields)
    assert all(VersionPublic.model_validate(one) for one in listed)


@pytest.mark.parametrize("path", ["/api/v1/versions", "/api/v1/versions/diff"])
def test_each_address_answers_with_a_slash_at_its_end_and_head_too(
    running: Backend, path: str
) -> None:
    query = "?old=v1&new=v2"
    plain = running.get(path + query)
    assert plain.status_code == 200
    assert running.get(f"{path}/{query}").content == plain.content
    for spelling in (path, f"{path}/"):
        head = httpx.head(f"{running.url}{spelling}{query}", timeout=20)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == plain.headers["etag"]
        assert head.headers["content-length"] == plain.headers["content-length"]


@pytest.mark.parametrize("new", ["v2", "main", "topic/one#a&b"])
def test_two_versions_of_a_checkout_are_compared(running: Backend, new: str) -> None:
    answer = running.get("/api/v1/versions/diff", params={"old": "v1", "new": new})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["old_version"], found["new_version"]) == ("v1", new)
    assert VersionDiff.model_validate(found).model_dump() == found
    assert changed(found) == {"added": {"categories/Person"}}
    added = found["categories"]["added"][0]
    assert added["new"] == PERSON["categories/Person.json"]


@pytest.mark.parametrize("path", ["/api/v1/versions", "/api/v1/versions/diff?old=v1&new=v2"])
def test_who_holds_the_answer_is_told_that_it_is_the_same(running: Backend, path: str) -> None:
    etag = running.get(path).headers["etag"]
    assert running.get(path, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    ("old", "new", "unknown"), [("v0", "v1", "old"), ("v1", "../../HEAD", "new")]
)
def test_an_unknown_version_is_named_by_its_side(
    running: Backend, old: str, new: str, unknown: str
) -> None:
    answer = running.get("/api/v1/versions/diff", params={"old": old, "new": new})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(f"Version not found: `{unknown}` ")


@pytest.mark.parametrize("query", ["", "?old=v1", "?new=v1", "?old=&new=v1", "?old=%00&new=v1"])
def test_both_versions_have_to_be_named(running: Backend, query: str) -> None:
    assert running.get(f"/api/v1/versions/diff{query}").status_code == 422


def test_imports_are_versions_where_the_source_is_no_checkout(
    app_database: URL, tmp_path: Path
) -> None:
    with (
        Snapshots(app_database) as past,
        backend(app_database, tmp_path, variables={"ONTOLOGY_PATH": str(tmp_path)}) as running,
    ):
        for path in ("/api/v1/versions", "/api/v1/versions/diff?old=v1&new=v2"):
            answer = running.get(path)
            assert answer.status_code == 503
            assert answer.json()["detail"] == "GitHub client not configured"
        past.add(AGENT, "v1")
        past.add(PERSON, "v2")
        assert [one["tag_name"] for one in running.get("/api/v1/versions").json()] == ["v2", "v1"]
        answer = running.get("/api/v1/versions/diff?old=v1&new=v2")
        assert changed(answer.json()) == {
            "added": {"categories/Person"},
            "deleted": {"categories/Agent"},
        }
