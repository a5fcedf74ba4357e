"""The history that the imports make."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import URL

from app.versions.history import NoHistory, UnknownVersion
from tests.app.histories import Snapshots, changed, document, files
from tests.app.support import sql

AGENT = files("categories/Agent")
PERSON = files("categories/Person", parent="Agent")
ONE, OTHER = "a1b2" + "1" * 36, "a1b2" + "2" * 36


@pytest.fixture
def past(app_database: URL) -> Iterator[Snapshots]:
    with Snapshots(app_database) as snapshots:
        yield snapshots


def test_where_nothing_has_been_imported_there_is_no_history(past: Snapshots) -> None:
    with pytest.raises(NoHistory):
        past.versions()
    with pytest.raises(NoHistory):
        past.diff("v1", "v2")


def test_imports_are_versions_newest_first(past: Snapshots) -> None:
    past.add(AGENT)
    past.add(AGENT | PERSON, None, ONE)
    past.add(PERSON, "v2", OTHER)
    listed = past.versions()
    assert [(one["tag_name"], one["name"]) for one in listed] == [
        ("v2", "v2"),
        (ONE, None),
        ("snapshot-1", None),
    ]
    for one in listed:
        imported = datetime.fromisoformat(one["created_at"])
        assert abs(datetime.now(UTC) - imported) < timedelta(minutes=5)
        assert (one["published_at"], one["body"]) == (one["created_at"], None)


def test_the_first_import_is_a_version(past: Snapshots) -> None:
    past.add(AGENT, "v1")
    assert [one["tag_name"] for one in past.versions()] == ["v1"]
    assert changed(past.diff("v1", "v1")) == {}


def test_the_newest_thirty_are_listed(past: Snapshots) -> None:
    for number in range(1, 33):
        past.add(files("categories/Agent", number=number))
    listed = [one["tag_name"] for one in past.versions()]
    assert listed == [f"snapshot-{number}" for number in range(32, 2, -1)]


def test_whatever_the_list_shows_names_one_import(past: Snapshots) -> None:
    past.add(AGENT, None, ONE)
    past.add(AGENT | PERSON, None, ONE)
    past.add(PERSON, "main", OTHER)
    past.add(AGENT, "main", OTHER)
    names = [one["tag_name"] for one in past.versions()]
    assert names == ["main", "snapshot-3", ONE, "snapshot-1"]
    assert changed(past.diff("snapshot-1", ONE)) == {"added": {"categories/Person"}}
    assert changed(past.diff("snapshot-3", "main")) == {
        "added": {"categories/Agent"},
        "deleted": {"categories/Person"},
    }


def test_an_import_is_named_by_tag_number_or_commit(past: Snapshots) -> None:
    past.add(AGENT, "v1", ONE)
    past.add(AGENT | PERSON, "v2", OTHER)
    for name in ("v2", "snapshot-2", OTHER, OTHER.upper(), OTHER[:7]):
        assert changed(past.diff("v1", name)) == {"added": {"categories/Person"}}


@pytest.mark.parametrize("name", ["v", "V1", "a1b", "a1b2", "snapshot-3", "1", "%", "a1b2%", "é"])
def test_whatever_else_is_no_version(past: Snapshots, name: str) -> None:
    past.add(AGENT, "v1", ONE)
    past.add(PERSON, "v2", OTHER)
    with pytest.raises(UnknownVersion, match=r"^old$"):
        past.diff(name, "v1")
    with pytest.raises(UnknownVersion, match=r"^new$"):
        past.diff("v1", name)


def test_the_whole_file_stands_on_both_sides(past: Snapshots) -> None:
    past.add(files("modules/core", categories=["Agent"]), "v1")
    past.add(files("modules/core", categories=["Agent", "Person"]), "v2")
    modules = past.diff("v1", "v2")["modules"]
    assert modules["modified"] == [
        {
            "key": "modules/core",
            "entity_type": "modules",
            "entity_id": "core",
            "old": document("core", categories=["Agent"]),
            "new": document("core", categories=["Agent", "Person"]),
        }
    ]


def test_a_file_that_changes_its_format_stays_the_same_file(past: Snapshots) -> None:
    vocabulary = document("Core", categories=["Agent"])
    past.add({"modules/Core.vocab.json": vocabulary}, "v1")
    past.add(files("modules/Core", categories=["Agent"]), "v2")
    past.add(files("modules/Core", categories=["Agent", "Person"]), "v3")
    assert changed(past.diff("v1", "v2")) == {}
    assert changed(past.diff("v1", "v3")) == {"modified": {"modules/Core"}}


def test_a_file_that_only_looks_different_has_not_changed(
    past: Snapshots, app_database: URL
) -> None:
    past.add(AGENT, "v1")
    past.add(files("categories/Agent", label="Agent"), "v2")
    sql(app_database, 'UPDATE snapshot_files SET document = \'{"a": 1, "b": 2.0}\'')
    sql(
        app_database,
        'UPDATE snapshot_files SET document = \'{"b": 2, "a": 1.0}\' WHERE removed_in IS NULL',
    )
    assert changed(past.diff("v1", "v2")) == {}


def test_what_comes_back_is_found_again(past: Snapshots) -> None:
    past.add(AGENT | PERSON, "v1")
    past.add(AGENT, "v2")
    past.add(AGENT | PERSON, "v3")
    assert changed(past.diff("v1", "v2")) == {"deleted": {"categories/Person"}}
    assert changed(past.diff("v2", "v3")) == {"added": {"categories/Person"}}
    assert changed(past.diff("v1", "v3")) == {}
    assert changed(past.diff("v3", "v2")) == {"deleted": {"categories/Person"}}
