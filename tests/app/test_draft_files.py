"""What a draft would change in the source's repository, as files and as one patch."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from app.formats import read
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
from tests.app.support import script, sql
from tests.app.trees import apply

JSON_A = {
    "categories/Bird.json": (
        '{\n    "id": "Bird",\n    "label": "Bird",\n    "description": "As it is.",\n'
        '    "parent": "Animal",\n    "properties": ["has_wingspan"], "subobjects": ["Nest"],\n'
        '    "note": "kept"\n}'
    ),
    "categories/Loner.json": '{"id":"Loner","label":"Loner","parent":null,"properties":[]}\r\n',
    "categories/Thing.json": '{"id":"Thing","parent":null,"properties":["has_name"]}\n',
    "properties/has_nobody.json": '{"id":"has_nobody","label":"has nobody","datatype":"Text"}',
    "modules/zoo.json": (
        '{"id": "zoo", "version": "1.2.3", "label": "Zoo",'
        ' "categories": ["Animal", "Bird"], "dependencies": ["base"]}\n'
    ),
    "profiles/none.json": '{"id": "none", "label": "None", "modules": []}\n',
}
WIKITEXT = {
    "categories/Bird.wikitext": (
        "<!-- OntologySync Start -->\n{{Category\n|has_description=As it is.\n"
        "|has_parent_category=Animal\n|has_optional_property=Has wingspan\n}}\n"
        "<!-- OntologySync End -->\n[[Category:OntologySync-managed]]\n"
    ),
    "modules/zoo.json": '{"id": "zoo", "label": "Zoo", "categories": ["Bird"]}\n',
}


def import_files(url: URL, files: Mapping[str, str]) -> None:
    """Store files, and what they say, as an import does."""
    found = [read(path, text) for path, text in files.items()]
    rows = [
        {
            "kind": one.item.kind,
            "item_id": one.item.item_id,
            "path": one.path,
            "content": one.text,
            "document": one.document,
        }
        for one in found
    ]
    script(
        url,
        "TRUNCATE snapshots, snapshot_files;"
        " INSERT INTO snapshots (id) OVERRIDING SYSTEM VALUE VALUES (1);",
    )
    sql(
        url,
        "INSERT INTO snapshot_files (kind, item_id, path, content, document, added_in)"
        " SELECT kind, item_id, path, content, document, 1"
        " FROM jsonb_populate_recordset(NULL::snapshot_files, $1::jsonb)",
        json.dumps(rows),
    )
    entities = [(one.item.kind, one.item.item_id, one.item.definition) for one in found]
    add_entities(url, [one for one in entities if one[2]])


@pytest.fixture
def hub(running: Client) -> Client:
    """A hub that was filled from files in format A, and from the database alone beside them."""
    import_files(running.database, JSON_A)
    return running


@pytest.fixture(scope="module")
def running(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    seed(module_database)
    folder = tmp_path_factory.mktemp("files")
    with client(module_database, roles["app"], folder) as made:
        yield made


def files(hub: Client, payload: dict[str, Any]) -> dict[str, Any]:
    answer = hub.get(hub.token(payload), "/files")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"files", "patch", "unwritable"}
    assert [one["path"] for one in found["files"]] == sorted(one["path"] for one in found["files"])
    return found


def expected(old: Mapping[str, str], found: dict[str, Any]) -> dict[str, str]:
    """Return the old tree with the files of the answer put into it."""
    new = dict(old)
    for one in found["files"]:
        assert (one["path"] in old) == (one["change"] != "added")
        assert (one["content"] is None) == (one["change"] == "deleted")
        if one["content"] is None:
            del new[one["path"]]
        else:
            new[one["path"]] = one["content"]
    return new


def test_a_change_leaves_the_rest_of_its_file_as_it_was(hub: Client) -> None:
    changed = entity(
        "Bird",
        {"parent": "Thing", "properties": ["has_wingspan"], "subobjects": ["Nest"], "note": "kept"},
    )
    found = files(hub, proposal(categories=[changed]))
    (one,) = found["files"]
    assert (one["path"], one["change"]) == ("categories/Bird.json", "modified")
    old = JSON_A["categories/Bird.json"]
    assert one["content"] == old.replace('"parent": "Animal"', '"parent": "Thing"')


def test_additions_changes_and_deletions_of_all_kinds_are_one_patch(
    hub: Client, tmp_path: Path
) -> None:
    payload = proposal(
        categories=[
            entity("Bird", {"parent": "Thing", "properties": ["has_wingspan"]}),
            entity("Vögel_🦆", {"parent": "Bird"}),
        ],
        properties=[entity("has_song", {"datatype": "Text"})],
        subobjects=[entity("Egg", {"properties": ["has_age"]})],
        modules=[module("zoo", category_ids=["Bird"]), module("sea")],
        profiles=[profile("sea", module_ids=["sea"])],
        deletions={
            "categories": ["Loner"],
            "properties": ["has_nobody"],
            "modules": ["spare"],
            "profiles": ["none"],
        },
    )
    found = files(hub, payload)
    assert found["unwritable"] == []
    assert {one["path"]: one["change"] for one in found["files"]} == {
        "categories/Bird.json": "modified",
        "categories/Loner.json": "deleted",
        "categories/Vögel_🦆.json": "added",
        "modules/sea.json": "added",
        "modules/zoo.json": "modified",
        "profiles/none.json": "deleted",
        "profiles/sea.json": "added",
        "properties/has_nobody.json": "deleted",
        "properties/has_song.json": "added",
        "subobjects/Egg.json": "added",
    }
    assert apply(tmp_path, JSON_A, found["patch"]) == expected(JSON_A, found)
    # What the draft does not know of stays in the file.
    zoo = next(one for one in found["files"] if one["path"] == "modules/zoo.json")
    assert json.loads(zoo["content"]) == {
        **json.loads(JSON_A["modules/zoo.json"]),
        "categories": ["Bird"],
    }


def test_new_files_are_in_the_format_of_most_of_the_source(hub: Client) -> None:
    new = proposal(
        categories=[entity("Fish", {"parents": ["Animal"], "optional_properties": ["has_age"]})]
    )

    def content() -> tuple[str, str]:
        (one,) = files(hub, new)["files"]
        return one["path"], one["content"]

    path, text = content()
    assert path == "categories/Fish.json"
    assert {"parent", "properties"} <= json.loads(text).keys()  # A, as the others
    import_files(hub.database, WIKITEXT)
    path, text = content()
    assert path == "categories/Fish.wikitext"
    assert "|has_parent_category=Animal\n" in text
    import_files(hub.database, {})
    path, text = content()
    assert path == "categories/Fish.json"
    assert {"parents", "optional_properties"} <= json.loads(text).keys()  # B, where there is none


def test_what_stands_in_the_database_alone_becomes_a_file(hub: Client) -> None:
    payload = proposal(
        categories=[entity("Animal", {"parent": "Thing", "properties": ["has_name"]})],
        modules=[module("base", category_ids=["Thing", "Animal"])],
        deletions={"subobjects": ["Burrow"]},
    )
    found = files(hub, payload)
    assert {one["path"]: one["change"] for one in found["files"]} == {
        "categories/Animal.json": "added",
        "modules/base.json": "added",
    }


def test_a_module_whose_file_leaves_its_dependencies_open_keeps_them_open(hub: Client) -> None:
    import_files(hub.database, WIKITEXT)
    found = files(hub, proposal(modules=[module("zoo", label="The zoo")]))
    (one,) = found["files"]
    assert json.loads(one["content"]) == {
        "id": "zoo",
        "label": "The zoo",
        "categories": ["Animal", "Bird"],
    }


def test_what_the_format_cannot_say_is_told_and_the_rest_is_written(
    hub: Client, tmp_path: Path
) -> None:
    import_files(hub.database, WIKITEXT)
    payload = proposal(
        categories=[entity("Fish", {"parents": ["Animal"]})],
        properties=[entity("Has_kind", {"datatype": "Text", "allowed_values": ["a, b", "c"]})],
    )
    found = files(hub, payload)
    (fault,) = found["unwritable"]
    assert (fault["entity_type"], fault["entity_id"]) == ("property", "Has_kind")
    assert "allowed_values" in fault["reason"]
    assert [one["path"] for one in found["files"]] == ["categories/Fish.wikitext"]
    assert apply(tmp_path, WIKITEXT, found["patch"]) == expected(WIKITEXT, found)


@pytest.mark.parametrize(
    "payload",
    [
        proposal(),
        proposal(deletions={"categories": ["unheard_of"]}),
        proposal(modules=[module("zoo")], profiles=[profile("none")]),
    ],
)
def test_no_change_is_no_file(hub: Client, payload: dict[str, Any]) -> None:
    assert files(hub, payload) == {"files": [], "patch": "", "unwritable": []}


def test_a_payload_of_another_program_is_no_file(hub: Client) -> None:
    answer = hub.get(token_of(hub.post({"payload": {"key": "value"}}).json()), "/files")
    assert answer.json() == {"files": [], "patch": "", "unwritable": []}


def test_files_that_a_later_import_has_removed_do_not_count(hub: Client) -> None:
    sql(hub.database, "INSERT INTO snapshots (id) OVERRIDING SYSTEM VALUE VALUES (2)")
    sql(hub.database, "UPDATE snapshot_files SET removed_in = 2 WHERE item_id = 'Loner'")
    found = files(hub, proposal(categories=[entity("Loner", {"properties": ["has_name"]})]))
    assert [one["change"] for one in found["files"]] == ["added"]


def test_a_deletion_in_the_patch_is_written_as_git_writes_it(hub: Client) -> None:
    found = files(hub, proposal(deletions={"categories": ["Loner"]}))
    assert found["patch"].startswith("diff --git a/categories/Loner.json b/categories/Loner.json\n")
    assert "deleted file mode 100644\n" in found["patch"]
    assert "\n--- a/categories/Loner.json\n+++ /dev/null\n" in found["patch"]
