"""JSON files: read in both spellings, refused where jsonb would refuse, edited with small diffs."""

import difflib
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats import Format, FormatError, Item, SourceFile, decode, path_of, read, write
from app.formats.json_text import ABSENT, edited, members, parse
from app.ontology.kinds import Kind
from tests.app import ontologies
from tests.app.ontologies import category
from tests.app.work import copied


def read_one(document: Any, path: str = "categories/Hive.json") -> SourceFile:
    text = document if isinstance(document, str) else json.dumps(document)
    return read(path, text)


def changed_lines(old: str, new: str) -> list[str]:
    """Return the lines that a diff takes out and puts in."""
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_single_parent_and_undivided_lists_are_normalised() -> None:
    file = read("categories/Inspection.json", _text(ontologies.JSON_A, "categories/Inspection"))
    assert file.format is Format.JSON_A
    assert file.item.definition == {
        "id": "Inspection",
        "label": "Inspection",
        "description": "A look into a hive.",
        "parent": "Event",
        "parents": ["Event"],
        "properties": ["has_hive", "has_weather"],
        "required_properties": [],
        "optional_properties": ["has_hive", "has_weather"],
        "subobjects": ["Frame_count"],
        "required_subobjects": [],
        "optional_subobjects": ["Frame_count"],
    }
    assert file.document == json.loads(file.text)


def test_several_parents_and_divided_lists_are_normalised() -> None:
    file = read("categories/Inspection.json", _text(ontologies.JSON_B, "categories/Inspection"))
    definition = file.item.definition
    assert file.format is Format.JSON_B
    assert (definition["parent"], definition["parents"]) == ("Event", ["Event"])
    assert definition["properties"] == ["Has_hive", "Has_weather"]
    assert definition["required_properties"] == ["Has_hive"]
    assert definition["subobjects"] == definition["optional_subobjects"] == ["Frame_count"]


def test_json_and_both_wikitext_formats_say_the_same() -> None:
    def items(root: Path) -> dict[tuple[Kind, str], Item]:
        files = ontologies.files_of(root)
        return {
            (file.item.kind, file.item.item_id): replace(file.item, dependencies=None)
            for file in files
        }

    assert items(ontologies.JSON_B) == items(ontologies.WIKITEXT_C1)
    assert items(ontologies.JSON_B) == items(ontologies.WIKITEXT_C2)


def test_other_keys_are_taken_for_id_label_description_and_lists() -> None:
    entity = read_one({"@id": "Hive", "name": "A hive", "comment": "Of bees."}).item
    assert (entity.item_id, entity.label, entity.description) == ("Hive", "A hive", "Of bees.")
    assert entity.definition["id"] == "Hive"
    assert "@id" not in entity.definition
    module = read_one(
        {"id": "M", "categoryIds": ["Hive"], "requires": ["N"]}, "modules/M.json"
    ).item
    assert (module.category_ids, module.dependencies) == (["Hive"], ["N"])
    profile = read_one({"id": "P", "moduleIds": ["M"]}, "bundles/P.json").item
    assert (profile.kind, profile.module_ids) == (Kind.PROFILE, ["M"])


@pytest.mark.parametrize("label", [{}, {"label": ""}, {"label": None}])
def test_the_id_is_the_label_where_a_file_gives_none(label: dict[str, Any]) -> None:
    assert read_one({"id": "Hive", **label}).item.label == "Hive"


def test_a_module_that_is_silent_about_dependencies_is_told_from_one_that_has_none() -> None:
    assert read_one({"id": "M"}, "modules/M.json").item.dependencies is None
    assert read_one({"id": "M", "dependencies": []}, "modules/M.json").item.dependencies == []


def test_a_vocabulary_holds_the_categories_that_have_not_come_in_by_inheritance() -> None:
    path = "modules/Observing.vocab.json"
    text = (ontologies.WIKITEXT_C1 / path).read_text()
    file = read(path, text)
    assert file.format is Format.VOCABULARY
    assert file.item.category_ids == ["Event", "Inspection"]
    assert file.item.dependencies == ["Apiary"]
    assert read("modules/Core.vocab.json", '{"import": []}').item.item_id == "Core"


def test_every_other_key_is_kept() -> None:
    definition = read_one(category("Hive", version="1.2", nested={"a": [1, None]})).item.definition
    assert (definition["version"], definition["nested"]) == ("1.2", {"a": [1, None]})


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "no JSON"),
        ("\n\n{", 3, "no JSON"),
        ('{"id": "Hive",\n "label" "x"}', 2, "no JSON"),
        ('{"id": "Hive",}', 1, "no JSON"),
        ("[]", 1, "no JSON object"),
        ("null", 1, "no JSON object"),
        ('{"label": "Hive"}', 1, "no `id`"),
        ('{"id": 7}', 1, "`id` must be a text"),
        ('{"id": "Hive",\n"label": ["x"]}', 2, "`label` must be a text"),
        ('{"id": "Hive",\n\n"parents": "Event"}', 3, "`parents` must be a list of ids"),
        ('{"id": "Hive",\n"properties": [1]}', 2, "`properties` must be a list of ids"),
        ('{"id": "Hive",\n"parent": {}}', 2, "`parent` must be the id of a category"),
        ('{\n"id": "a/b"}', 2, "slash"),
        ('{\n"id": " Hive"}', 2, "white space"),
        ('{\n"id": "Hi\\u200bve"}', 2, "cannot be shown"),
        ('{"id": "' + "x" * 256 + '"}', 1, "longer than 255 bytes"),
        ('{"id": "Hive",\n"label": "' + "x" * 1001 + '"}', 2, "longer than 1000 bytes"),
        ('{"id": "Hive",\n"id": "Hive"}', 2, 'the key "id" stands twice'),
        ('{"id": "Hive",\n"a": {"b": 1,\n"b": 2}}', 3, 'the key "b" stands twice'),
        ('{"id": "Hive",\n"a": NaN}', 2, "number"),
        ('{"id": "Hive",\n"a": [1,\n-Infinity]}', 3, "number"),
        ('{"id": "Hive",\n"a": 1e999}', 2, "number"),
        ('{"id": "Hive",\n"a": 1e-999}', 2, "number"),
        ('{"id": "Hive",\n"a": ' + "9" * 5000 + "}", 2, "number"),
        ('{"id": "Hive",\n"a": "\\u0000"}', 2, "u0000"),
        ('{"id": "Hive",\n"a": "\\ud83d"}', 2, "surrogate"),
        ('{"id": "Hive",\n"a": "\\ude00\\ud83d"}', 2, "surrogate"),
        (f'{{"id": "Hive",\n"a": {DEEP}}}', 2, "deep"),
        ('{"id": "Hive",\n"a": ' + '{"b": ' * 5000 + "1" + "}" * 5000 + "}", 2, "deep"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(FormatError) as refused:
        read("categories/Hive.json", text)
    assert reason in refused.value.reason
    assert refused.value.line == line
    assert "\n" not in refused.value.reason


def test_what_only_looks_like_it_is_taken() -> None:
    text = (
        '{"id": "Hive", "a": "\\\\u0000", "b": "\\ud83d\\ude00", "c": 0e999, "d": 1.50, "e": "{[["}'
    )
    definition = read("categories/Hive.json", text).item.definition
    assert (definition["a"], definition["b"], definition["d"]) == ("\\u0000", "\U0001f600", 1.5)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b'{"id":\n"\xff"}', 2, "UTF-8"),
        (b'{"id": "Hive"}\n\0', 2, "NUL"),
        (b"\xff\xfe{", 1, "UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(FormatError, match=reason) as refused:
        decode(data)
    assert refused.value.line == line


@pytest.mark.parametrize(
    "path",
    [
        "Hive.json",
        "notes/Hive.json",
        "categories/a/Hive.json",
        "categories/_schema.json",
        "categories/.json",
        "categories/Hive.txt",
        "templates/Hive.json",
    ],
)
def test_a_path_that_is_no_items_is_refused(path: str) -> None:
    with pytest.raises(FormatError, match="not the path"):
        read(path, "{}")


@pytest.mark.parametrize("root", ontologies.ALL, ids=lambda root: root.name)
def test_writing_what_was_read_changes_no_byte(root: Path) -> None:
    for file in ontologies.files_of(root):
        assert write(file.item, file.format, file.text) == file.text


@pytest.mark.parametrize("form", [Format.JSON_A, Format.JSON_B])
@pytest.mark.parametrize("root", ontologies.ALL, ids=lambda root: root.name)
def test_a_new_file_gives_its_item_back_with_the_id_first(root: Path, form: Format) -> None:
    for file in ontologies.files_of(root):
        text = write(file.item, form)
        assert read(path_of(file.item, form), text).item == file.item
        assert text.startswith('{\n  "id": ')
        assert text.endswith("\n}\n")


def test_a_change_touches_only_its_own_lines() -> None:
    file = read("categories/Inspection.json", _text(ontologies.JSON_B, "categories/Inspection"))
    definition = {**file.item.definition, "optional_properties": [], "properties": ["Has_hive"]}
    new = write(replace(file.item, label="Look", definition=definition), file.format, file.text)
    assert changed_lines(file.text, new) == [
        '-   "label": "Inspection",',
        '+   "label": "Look",',
        '-   "optional_properties": ["Has_weather"],',
    ]


def test_a_changed_file_keeps_its_spelling() -> None:
    old = '{"@id": "Hive", "name": "Hive", "parent": "A", "properties": ["p"]}'
    item = read_one(old).item
    new = write(
        replace(
            item,
            label="Box",
            definition={
                **item.definition,
                "parents": ["B"],
                "parent": "B",
                "optional_properties": ["p", "q"],
            },
        ),
        Format.JSON_B,
        old,
    )
    assert new == '{"@id": "Hive", "name": "Box", "parent": "B", "properties": ["p", "q"]}'
    # What the spelling has no word for comes in beside it.
    several = write(
        replace(
            item,
            definition={**item.definition, "parents": ["A", "B"], "required_properties": ["p"]},
        ),
        Format.JSON_B,
        old,
    )
    assert json.loads(several)["parents"] == ["A", "B"]
    assert json.loads(several)["required_properties"] == ["p"]


def test_a_property_keeps_the_key_of_its_category() -> None:
    for old in (
        {"Allows_value_from_category": "Hive"},
        {"allowed_values": {"from_category": "Hive"}},
    ):
        text = json.dumps({"id": "Has_hive", "label": "Hive", **old})
        item = read("properties/Has_hive.json", text).item
        assert item.definition["allows_value_from_category"] == "Hive"
        changed = {**item.definition, "allows_value_from_category": "Box"}
        new = write(replace(item, definition=changed), Format.JSON_B, text)
        assert new == text.replace('"Hive"}', '"Box"}')


def test_line_ends_a_byte_order_mark_and_escapes_stay() -> None:
    head = '\ufeff{\r\n\t"id": "M",\r\n\t"description": "b\\u00fc"'
    old = head + ',\r\n\t"categories": [\r\n\t\t"A"\r\n\t]\r\n}'
    item = read("modules/M.json", old).item
    new = write(replace(item, category_ids=["A", "\xc4"], dependencies=["N"]), Format.JSON_B, old)
    assert new == old.replace(
        '"A"\r\n\t]', '"A",\r\n\t\t"\\u00c4"\r\n\t],\r\n\t"dependencies": [\r\n\t\t"N"\r\n\t]'
    )


def test_a_module_without_dependencies_keeps_those_of_its_file() -> None:
    old = _text(ontologies.JSON_B, "modules/Observing")
    item = replace(read("modules/Observing.json", old).item, dependencies=None, label="Look")
    assert json.loads(write(item, Format.JSON_B, old))["dependencies"] == ["Apiary"]


def test_a_vocabulary_is_edited_by_its_import_list() -> None:
    path = "modules/Observing.vocab.json"
    old = (ontologies.WIKITEXT_C1 / path).read_text()
    item = read(path, old).item
    changed = replace(item, category_ids=["Event", "Hive", "New_one"])
    new = write(changed, Format.VOCABULARY, old)
    pages = [entry["page"] for entry in json.loads(new)["import"]]
    assert pages == ["Event", "Has date", "Frame count", "Hive", "New one"]
    assert read(path, new).item == changed


def test_an_item_that_its_file_cannot_say_is_refused() -> None:
    item = Item(Kind.CATEGORY, "Hive", "Hive", definition={"properties": "Has_date"})
    with pytest.raises(FormatError, match="`properties` must be a list of ids"):
        write(item, Format.JSON_B)


KEYS = st.text(max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(
    document=st.dictionaries(KEYS, VALUES, max_size=4),
    changes=st.dictionaries(KEYS, VALUES | st.just(ABSENT), max_size=4),
    indent=st.sampled_from([None, 0, 2, "\t"]),
    ascii=st.booleans(),
)
def test_an_edited_object_says_the_changes_and_keeps_every_other_members_text(
    document: dict[str, Any], changes: dict[str, Any], indent: Any, ascii: bool
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii)
    new = edited(text, changes)
    expected = {**document, **changes}
    assert json.loads(new) == {key: one for key, one in expected.items() if one is not ABSENT}
    old_parts = {one.key: text[one.start : one.end] for one in members(text)}
    new_parts = {one.key: new[one.start : one.end] for one in members(new)}
    for key, part in old_parts.items():
        if key not in changes:
            assert new_parts[key] == part


@given(st.text(alphabet='{}[]",:\\u0dab19eE+-. \n\ufeffnull', max_size=60))
def test_a_json_reader_raises_nothing_but_format_errors(text: str) -> None:
    with suppress(FormatError):
        parse(text)
    with suppress(FormatError):
        read("categories/Hive.json", text)


def _text(root: Path, name: str) -> str:
    return (root / f"{name}.json").read_text(encoding="utf-8")


def test_finding_the_members_copies_the_text_once_and_not_once_for_each() -> None:
    text = json.dumps({f"key_{n}": n for n in range(1000)})
    assert copied(text, members) < len(text)


def test_a_string_that_never_ends_is_tried_once() -> None:
    with pytest.raises(FormatError, match="this is no JSON"):
        read("categories/Box.json", "{}" * 65 + '\\"' * 1_000_000)
