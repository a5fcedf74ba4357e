"""An import: what it writes, what it tells, and that it writes nothing twice."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from app.ontology.kinds import Kind
from tests.app import ontologies
from tests.app.ontologies import Files, category, edit, run_import, state, totals, write_files
from tests.app.support import sql


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An ontology of the test's own to change."""
    return Path(shutil.copytree(ontologies.JSON_B, tmp_path / "source"))


def entity(url: URL, entity_id: str) -> dict[str, Any]:
    (row,) = sql(url, "SELECT * FROM entities WHERE entity_id = $1", entity_id)
    return row


@pytest.mark.parametrize("root", ontologies.ALL, ids=lambda root: root.name)
def test_every_format_fills_the_tables(database: URL, root: Path) -> None:
    summary = run_import(database, root)
    assert totals(summary) == {"added": 12}
    assert summary.errors.count == summary.warnings.count == 0
    counts = {kind: counts["added"] for kind, counts in summary.counts.items()}
    assert counts == {
        Kind.CATEGORY: 3,
        Kind.PROPERTY: 5,
        Kind.SUBOBJECT: 1,
        Kind.MODULE: 2,
        Kind.PROFILE: 1,
    }
    rows = sql(database, "SELECT entity_type::text, entity_id, label, description,"
               " schema_definition FROM entities ORDER BY entity_type, entity_id")  # fmt: skip
    expected = [file.item for file in ontologies.files_of(root) if file.item.definition]
    expected.sort(key=lambda item: ([*Kind].index(item.kind), item.item_id))
    assert [
        (row["entity_type"], row["entity_id"], row["label"], row["description"],
         json.loads(row["schema_definition"]))
        for row in rows
    ] == [
        (item.kind.value, item.item_id, item.label, item.description, item.definition)
        for item in expected
    ]  # fmt: skip
    modules = sql(database, "SELECT lower(module_id) AS id, category_ids, dependencies"
                  " FROM modules ORDER BY 1")  # fmt: skip
    assert [(row["id"], json.loads(row["category_ids"]), row["dependencies"].lower())
            for row in modules] == [
        ("apiary", ["Hive"], "[]"),
        ("observing", ["Event", "Inspection"], '["apiary"]'),
    ]  # fmt: skip
    (profile,) = sql(database, "SELECT lower(module_ids::text) AS modules FROM profiles")
    assert profile["modules"] == '["apiary", "observing"]'


@pytest.mark.parametrize("root", ontologies.ALL, ids=lambda root: root.name)
def test_a_second_import_writes_nothing(app_database: URL, root: Path) -> None:
    run_import(app_database, root, commit_sha="a1", name="v1")
    before = state(app_database)
    assert len(before["snapshot_files"]) == 12
    summary = run_import(app_database, root, commit_sha="a1", name="v1")
    assert totals(summary) == {"unchanged": 12}
    assert summary.snapshot is None
    assert state(app_database) == before


def test_only_the_row_that_changed_is_written_and_it_keeps_its_id(
    database: URL, source: Path
) -> None:
    run_import(database, source, commit_sha="a1")
    before = {row["id"]: row for row in state(database)["entities"]}
    edit(source / "categories/Hive.json", description="Another.", colour=["red"])
    summary = run_import(database, source, commit_sha="a2")
    assert totals(summary) == {"changed": 1, "unchanged": 11}
    assert summary.counts[Kind.CATEGORY]["changed"] == 1
    after = {row["id"]: row for row in state(database)["entities"]}
    (changed,) = [row for row in after.values() if row != before[row["id"]]]
    assert (changed["entity_id"], changed["description"]) == ("Hive", "Another.")
    assert json.loads(changed["schema_definition"])["colour"] == ["red"]
    assert changed["commit_sha"] == "a2"
    assert {row["commit_sha"] for row in after.values()} == {"a1", "a2"}
    assert changed["updated_at"] > before[changed["id"]]["updated_at"]
    assert changed["created_at"] == before[changed["id"]]["created_at"]


def test_what_is_gone_is_soft_deleted_and_what_returns_is_revived(
    database: URL, source: Path
) -> None:
    run_import(database, source, commit_sha="a1")
    before = {row["id"] for table in ("entities", "modules", "profiles")
              for row in state(database)[table]}  # fmt: skip
    gone = ["properties/Has_weather.json", "modules/Apiary.json", "bundles/Beekeeper.json"]
    texts = {name: (source / name).read_text() for name in gone}
    for name in gone:
        (source / name).unlink()
    summary = run_import(database, source, commit_sha="a2")
    assert totals(summary) == {"removed": 3, "unchanged": 9}
    deleted = [row for table in ("entities", "modules", "profiles")
               for row in state(database)[table] if row["deleted_at"]]  # fmt: skip
    assert len(deleted) == 3
    assert all(row["updated_at"] == row["deleted_at"] for row in deleted)
    assert totals(run_import(database, source, commit_sha="a2")) == {"unchanged": 9}

    write_files(source, texts)
    summary = run_import(database, source, commit_sha="a3")
    assert totals(summary) == {"revived": 3, "unchanged": 9}
    rows = [row for table in ("entities", "modules", "profiles") for row in state(database)[table]]
    assert {row["id"] for row in rows} == before
    assert not any(row["deleted_at"] for row in rows)
    assert sum(row["commit_sha"] == "a3" for row in rows) == 3


def test_one_id_may_stand_once_for_each_type(database: URL, tmp_path: Path) -> None:
    names = ("categories/X.json", "properties/X.json", "subobjects/X.json", "modules/X.json")
    root = write_files(tmp_path, dict.fromkeys(names, category("X")))
    assert totals(run_import(database, root)) == {"added": 4}
    (root / "properties/X.json").unlink()
    assert run_import(database, root).counts[Kind.PROPERTY]["removed"] == 1


def test_ids_that_differ_in_case_are_two(database: URL, tmp_path: Path) -> None:
    files: Files = {
        f"modules/{name}.json": {"id": name, "categories": []} for name in ("core", "Core")
    }
    assert totals(run_import(database, write_files(tmp_path, files))) == {"added": 2}


def test_a_file_that_cannot_be_read_is_told_and_its_row_stays(database: URL, source: Path) -> None:
    run_import(database, source)
    before = state(database)
    write_files(source, {
        "categories/Hive.json": '{\n"id": "Hive",\n}',
        "properties/Has_date.json": b"\xff",
        "modules/Apiary.json": "[]",
        "bundles/Beekeeper.json": "",
        "subobjects/New.json": "{}",
        "categories/Odd.wikitext": "text",
    })  # fmt: skip
    summary = run_import(database, source)
    assert totals(summary) == {"unchanged": 8}
    assert summary.errors.count == 6
    told = {(one.path, one.line) for one in summary.errors.details}
    assert ("categories/Hive.json", 3) in told
    assert state(database) == before


def test_a_broken_file_protects_what_it_held_under_another_name(
    database: URL, tmp_path: Path
) -> None:
    files = {"categories/hive.json": category("Hive"), "categories/Box.json": category("Box")}
    root = write_files(tmp_path, files)
    summary = run_import(database, root)
    (warning,) = summary.warnings.details
    assert (
        str(warning) == "categories/hive.json, line 1: the id is Hive, but the file is named hive"
    )
    write_files(root, {"categories/hive.json": "{"})
    assert totals(run_import(database, root)) == {"unchanged": 1}
    assert entity(database, "Hive")["deleted_at"] is None


def test_of_two_files_with_one_id_the_one_that_has_its_name_counts(
    database: URL, tmp_path: Path
) -> None:
    files: Files = {
        "categories/A.json": '{\n"label": "other",\n"id": "B"}',
        "categories/B.json": category("B"),
        "categories/B.wikitext": "{{Category\n}}",
        "categories/C.wikitext": "{{Category\n}}",
    }
    summary = run_import(database, write_files(tmp_path, files))
    assert [str(one) for one in summary.errors.details] == [
        "categories/A.json, line 3: categories/B.json has the same id, B",
        "categories/B.wikitext, line 1: categories/B.json has the same id, B",
    ]
    assert totals(summary) == {"added": 2}
    assert entity(database, "B")["label"] == "B"


def test_dangling_references_are_told_with_their_lines(database: URL, tmp_path: Path) -> None:
    files: Files = {
        "categories/A.json": '{"id": "A",\n"parents": ["No"],\n"properties": ["Has_x", "Has_no"]}',
        "properties/Has_x.wikitext": "{{Property\n\n|allows_value_from_category=No a\n}}",
        "subobjects/S.json": '{"id": "S",\n"required_properties": [\n"Has_no"]}',
        "modules/M.json": '{"id": "M",\n"categories": ["A", "No"],\n"dependencies": ["No"]}',
        "bundles/P.json": '{"id": "P",\n"modules": ["M",\n"No"]}',
        "categories/Broken.json": "{",
        "categories/B.json": category("B", parent="Broken"),
    }
    summary = run_import(database, write_files(tmp_path, files))
    assert summary.errors.count == 1
    assert [str(one).replace(", which does not exist", "") for one in summary.warnings.details] == [
        "bundles/P.json, line 3: it names the module No",
        "categories/A.json, line 2: it names the category No",
        "categories/A.json, line 3: it names the property Has_no",
        "modules/M.json, line 2: it names the category No",
        "modules/M.json, line 2: it names the module No",
        "properties/Has_x.wikitext, line 3: it names the category No_a",
        "subobjects/S.json, line 3: it names the property Has_no",
    ]
    assert totals(summary) == {"added": 6}


def test_dependencies_are_derived_where_a_module_is_silent(database: URL, tmp_path: Path) -> None:
    def module(name: str, *categories: str, **more: Any) -> dict[str, Any]:
        return {"id": name, "categories": categories, **more}

    prop = {"datatype": "Page", "allows_value_from_category": "Place"}
    files: Files = {
        "categories/Base.json": category("Base", required_properties=["Has_place"]),
        "categories/Middle.json": category("Middle", parents=["Base"]),
        "categories/Leaf.json": category("Leaf", parents=["Middle"], properties=["Has_maker"]),
        "categories/Place.json": category("Place", parents=["Place"]),
        "categories/Maker.json": category("Maker"),
        "properties/Has_place.json": category("Has_place", **prop),
        "properties/Has_maker.json": category("Has_maker", allows_value_from_category="Maker"),
        "modules/Basic.json": module("Basic", "Base"),
        "modules/Basic_too.json": module("Basic_too", "Base"),
        "modules/Leaves.json": module("Leaves", "Leaf"),
        "modules/Places.json": module("Places", "Place"),
        "modules/Makers.json": module("Makers", "Maker"),
        "modules/Silent_not.json": module("Silent_not", "Leaf", dependencies=[]),
    }
    root = write_files(tmp_path, files)

    def dependencies() -> dict[str, list[str]]:
        rows = sql(database, "SELECT module_id, dependencies FROM modules ORDER BY 1")
        return {row["module_id"]: json.loads(row["dependencies"]) for row in rows}

    run_import(database, root)
    assert dependencies() == {
        "Basic": ["Places"],
        "Basic_too": ["Places"],
        # An ancestor's module (one of two), and where its required property's values come from;
        # the module of an optional property's values is not among them.
        "Leaves": ["Basic", "Places"],
        "Makers": [],
        "Places": [],
        "Silent_not": [],
    }
    # A module that cannot be read still holds what it held.
    write_files(root, {"modules/Places.json": "{"})
    assert totals(run_import(database, root)) == {"unchanged": 12}
    write_files(root, {"categories/Middle.json": category("Middle")})
    assert run_import(database, root).counts[Kind.MODULE] == {"changed": 1, "unchanged": 4}
    assert dependencies()["Leaves"] == []


def test_snapshots_hold_each_version_of_each_file_once(database: URL, source: Path) -> None:
    def current() -> dict[str, tuple[str, Any]]:
        rows = sql(database, "SELECT path, content, document FROM snapshot_files"
                   " WHERE removed_in IS NULL")  # fmt: skip
        return {row["path"]: (row["content"], json.loads(row["document"])) for row in rows}

    first = run_import(database, source, commit_sha="a1", name="v1")
    assert current() == {
        file.path: (file.text, file.document) for file in ontologies.files_of(source)
    }
    old = (source / "categories/Hive.json").read_text()
    write_files(source, {"categories/Hive.json": old + "\n", "categories/New.wikitext": "[[A::b]]"})
    (source / "categories/Event.json").unlink()
    second = run_import(database, source, commit_sha="a2")
    rows = sql(database, "SELECT path, added_in, removed_in, content FROM snapshot_files"
               " WHERE added_in <> $1 OR removed_in IS NOT NULL ORDER BY path, added_in",
               first.snapshot)  # fmt: skip
    assert [(row["path"], row["added_in"], row["removed_in"]) for row in rows] == [
        ("categories/Event.json", first.snapshot, second.snapshot),
        ("categories/Hive.json", first.snapshot, second.snapshot),
        ("categories/Hive.json", second.snapshot, None),
        ("categories/New.wikitext", second.snapshot, None),
    ]
    assert [row["content"] for row in rows][1:3] == [old, old + "\n"]
    # The same definition in another layout changes no entity.
    assert second.counts[Kind.CATEGORY] == {"added": 1, "removed": 1, "unchanged": 2}
    names = sql(database, "SELECT name, commit_sha FROM snapshots ORDER BY id")
    assert [tuple(row.values()) for row in names] == [("v1", "a1"), (None, "a2")]


def test_another_commit_or_name_of_the_same_files_is_a_snapshot(
    database: URL, source: Path
) -> None:
    run_import(database, source, commit_sha="a1")
    before = state(database)
    assert run_import(database, source).snapshot is None
    named = [
        run_import(database, source, commit_sha="a2").snapshot,
        run_import(database, source, commit_sha="a2", name="v1").snapshot,
        run_import(database, source, commit_sha="a1", name="v1").snapshot,
    ]
    assert None not in named
    after = state(database)
    assert {**after, "snapshots": []} == {**before, "snapshots": []}


def test_a_document_keeps_numbers_as_the_file_has_them(database: URL, tmp_path: Path) -> None:
    text = '\ufeff{"id": "A", "a": 1.10, "b": 12345678901234567890.125, "c": 1e15}'
    run_import(database, write_files(tmp_path, {"categories/A.json": text}))
    (row,) = sql(database, "SELECT content, document::text FROM snapshot_files")
    assert row["content"] == text
    assert '"a": 1.10' in row["document"]
    assert "12345678901234567890.125" in row["document"]


def test_problems_beyond_the_first_hundred_are_counted(database: URL, tmp_path: Path) -> None:
    files: Files = {f"categories/B{n}.json": "{" for n in range(150)}
    files |= {f"properties/D{n}.json": {"id": "D"} for n in range(150)}
    files["categories/A.json"] = category("A", parents=[f"No_{n}" for n in range(150)])
    summary = run_import(database, write_files(tmp_path, files))
    assert (summary.errors.count, len(summary.errors.details)) == (299, 100)
    assert summary.warnings.count == 150 + 150  # the ids that are no names, the parents
    assert len(list(summary.events())) < 60
