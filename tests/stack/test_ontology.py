"""A deployed hub with an ontology: imported, walked over HTTP, changed, broken, mended."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.library import library, write
from tests.stack.stack_under_test import ROOT, Stack, docker

LABKI = ROOT.parent / "shared" / "data" / "labki-ontology-d5fffa1"
SECRET = "the-secret-of-these-tests"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack], source: Path) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(ontologyPath=str(source), draftsPerHour="1000")
    stack.pulumi("config", "set", "--secret", "ontology-hub:adminSecret", "--", SECRET)
    stack.up()
    yield stack
    stack.destroy()
    assert not stack.ids()


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    url = f"http://127.0.0.1:{8000 + stack.offset}/api/v1"
    with httpx.Client(base_url=url, timeout=20) as client:
        yield client


def read(api: httpx.Client, path: str, **query: str | int) -> Any:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(api: httpx.Client) -> dict[str, int]:
    return {one["entity_type"]: one["count"] for one in read(api, "/entities")["types"]}


def sync(api: httpx.Client, secret: str = SECRET) -> httpx.Response:
    return api.post("/admin/sync", headers={"Authorization": f"Bearer {secret}"})


def made_anew(stack: Stack, before: dict[str, str]) -> set[str]:
    """Return the roles whose containers are others than `before`."""
    return {role for role, container in stack.ids().items() if before.get(role) != container}


def test_the_first_up_answers_with_data_and_tells_what_was_imported(
    stack: Stack, api: httpx.Client
) -> None:
    assert counts(api) == {"category": 2, "property": 2}
    assert [one["module_id"] for one in read(api, "/modules")] == ["Books"]
    assert [one["profile_id"] for one in read(api, "/profiles")] == ["Library"]
    summary = "6 added, 0 changed, 0 revived, 0 removed, 0 unchanged, 0 errors"
    assert stack.outputs()["ontology_import"] == summary
    assert summary in stack.hub("status")


def test_a_second_up_and_a_preview_change_nothing(stack: Stack) -> None:
    before = stack.ids()
    stack.unchanged()
    stack.pulumi("preview", "--expect-no-changes")
    assert stack.ids() == before


def test_a_changed_file_runs_the_importer_alone_and_changes_its_row_alone(
    stack: Stack, api: httpx.Client, source: Path
) -> None:
    ids, (book, work) = stack.ids(), read(api, "/entities/category")["items"]
    write(source, "categories/Book", label="Printed book")
    stack.up()
    assert made_anew(stack, ids) == {"importer"}
    edited = read(api, "/entities/category/Book")
    assert (edited["label"], edited["id"]) == ("Printed book", book["id"])
    assert read(api, "/entities/category/Work") == work
    new, old = (one["tag_name"] for one in read(api, "/versions"))
    (modified,) = read(api, "/versions/diff", old=old, new=new)["categories"]["modified"]
    assert modified["entity_id"] == "Book"
    stack.unchanged()


def test_an_emptied_source_fails_up_with_one_clear_line_and_the_data_stays(
    stack: Stack, api: httpx.Client, source: Path
) -> None:
    backend, rows = stack.ids()["backend"], read(api, "/entities/category")
    kept = source.with_name("kept")
    kept.mkdir()
    for kind in source.iterdir():
        kind.rename(kept / kind.name)
    said = stack.up(fails=True)
    assert "the job importer failed with exit code 1" in said
    assert "Traceback" not in said
    log = said.rsplit("The end of its log:\n")[-1].split("Mend the cause")[0]
    assert len(log.strip().splitlines()) == 1, log
    assert "is no ontology" in log
    assert read(api, "/entities/category") == rows
    assert stack.ids()["backend"] == backend
    for kind in kept.iterdir():
        kind.rename(source / kind.name)
    stack.up()
    assert read(api, "/entities/category") == rows
    stack.unchanged()


def test_a_sync_with_the_secret_reads_the_source_again(api: httpx.Client, source: Path) -> None:
    write(source, "properties/Has_pages", label="Number of pages")
    assert sync(api, secret="another-secret").status_code == 401
    assert read(api, "/entities/property/Has_pages")["label"] == "Has_pages"
    answer = sync(api)
    assert answer.status_code == 200, answer.text
    assert read(api, "/entities/property/Has_pages")["label"] == "Number of pages"


def test_a_sync_after_another_folder_was_put_in_place_reads_that_one(
    stack: Stack, api: httpx.Client, source: Path
) -> None:
    """Why the backend is made anew then: its mount would show the old folder for ever."""
    ids = stack.ids()
    old = source.rename(source.with_name("old"))
    shutil.copytree(old, source)
    write(source, "categories/Work", label="Any work")
    stack.up()
    assert made_anew(stack, ids) == {"importer", "backend"}
    assert sync(api).status_code == 200
    assert read(api, "/entities/category/Work")["label"] == "Any work"


def test_a_draft_is_made_read_compared_and_handed_out_as_files_and_stands_in_no_log(
    stack: Stack, api: httpx.Client
) -> None:
    changed = {
        "entity_id": "Book",
        "label": "Bound book",
        "schema_definition": read(api, "/entities/category/Book")["schema_definition"],
    }
    payload = {
        "wiki_url": "https://wiki.example",
        "base_version": "v1",
        "entities": {"categories": [changed]},
    }
    made = api.post("/drafts", json={"payload": payload})
    assert made.status_code == 201, made.text
    token = made.json()["capability_url"].split("#")[1]
    assert read(api, f"/drafts/{token}")["source_wiki"] == "https://wiki.example"
    (modified,) = read(api, f"/drafts/{token}/diff")["categories"]["modified"]
    assert modified["new"]["label"] == "Bound book"
    assert "categories/Book.json" in json.dumps(read(api, f"/drafts/{token}/files"))
    for container in stack.ids().values():
        assert token not in docker("logs", container)


def test_a_path_that_cannot_be_used_is_told_before_anything_is_built_or_changed(
    stack: Stack, source: Path
) -> None:
    before = stack.ids()
    (source / "categories" / "Book.json").chmod(0o600)
    for path, reason in (("missing", "does not exist"), ("library", "Book.json must be readable")):
        stack.config(ontologyPath=str(source.with_name(path)))
        for said in (stack.hub("up", fails=True), stack.up(fails=True)):
            assert reason in said
            assert "Traceback" not in said
            assert "Building" not in said
    (source / "categories" / "Book.json").chmod(0o644)
    assert stack.ids() == before


def test_the_published_ontology_is_imported_and_walked_over_http(
    stack: Stack, api: httpx.Client
) -> None:
    if not LABKI.is_dir():
        pytest.skip(f"{LABKI} is not there")
    stack.config(ontologyPath=str(LABKI))
    stack.up()
    assert counts(api) == {"category": 34, "property": 165, "subobject": 10}
    graph = read(api, "/entities/category/Person/inheritance")
    assert {node["id"] for node in graph["nodes"]} == {"Person", "Agent", "Researcher", "Staff"}
    assert {(edge["source"], edge["target"]) for edge in graph["edges"]} == {
        *(("Person", "Agent"), ("Researcher", "Person"), ("Staff", "Person"))
    }
    assert len(read(api, "/entities/property/Has_name/used-by")) == 12
    assert len(read(api, "/modules")) == 11
    agents = read(api, "/modules/Agents/entities")
    assert [len(agents[kind]) for kind in ("categories", "properties", "subobjects")] == [4, 15, 3]
    (profile,) = read(api, "/profiles")
    assert len(profile["module_ids"]) == 11
    found = read(api, "/entities/search", q="research")["items"]
    assert "Researcher" in {one["entity_id"] for one in found}
    names: list[str] = []
    page = {"has_next": True}
    while page["has_next"]:
        start = {"cursor": names[-1]} if names else {}
        page = read(api, "/entities/property", limit=50, **start)
        names += [one["entity_id"] for one in page["items"]]
    assert len(names) == len(set(names)) == 165
    # What the library held is gone.
    assert api.get("/entities/category/Book").status_code == 404


def test_without_a_source_the_data_stays_and_a_sync_says_that_there_is_none(
    stack: Stack, api: httpx.Client
) -> None:
    before = counts(api)
    stack.config(ontologyPath="")
    stack.up()
    assert "importer" not in stack.ids()
    assert counts(api) == before
    assert sync(api).status_code == 503
