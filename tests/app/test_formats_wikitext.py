"""Wikitext definitions: both formats read the same, errors have their lines, edits stay small."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from app.formats import Format, FormatError, Item, path_of, read, write
from app.formats.parameters import PARAMETERS, Shape
from app.formats.positions import line_of_reference
from app.ontology.kinds import Kind
from app.ontology.normal import normalised
from tests.app import ontologies
from tests.app.test_formats_json import changed_lines
from tests.app.work import calls

C1, C2 = Format.WIKITEXT_C1, Format.WIKITEXT_C2
START, END = "<!-- OntologySync Start -->", "<!-- OntologySync End -->"


def template(name: str, *parameters: str) -> str:
    """Return a file of the format C2."""
    body = "".join(f"|{parameter}\n" for parameter in parameters)
    return f"{START}\n{{{{{name}\n{body}}}}}\n{END}\n[[Category:Managed]]\n"


def annotations(*lines: str) -> str:
    """Return a file of the format C1."""
    return "\n".join([START, *(f"[[{line}]]" for line in lines), END, "[[Category:Managed]]\n"])


def test_every_parameter_of_a_property_is_read() -> None:
    text = template(
        "Property",
        "has_description=How heavy",
        "has_type=Quantity",
        "display_label=Weight",
        "allows_multiple_values=Yes",
        "allows_value=1 kg, 2 kg,, 1 kg",
        "allows_value_from_category=Heavy thing",
        "allows_pattern=[0-9]+|x",
        "allows_value_list=Weights",
        "display_units=kg, g",
        "display_precision=0",
        "has_unique_values=Yes",
        "has_template=Template:Property/Weight",
        "subproperty_of=Property:Has size",
        "has_input=slider = wide",
    )
    file = read("properties/Has_weight.wikitext", text)
    assert file.format is C2
    assert file.document == file.item.definition
    assert file.item.definition == {
        "id": "Has_weight",
        "label": "Weight",
        "description": "How heavy",
        "datatype": "Quantity",
        "cardinality": "multiple",
        "allowed_values": ["1 kg", "2 kg"],
        "allows_value_from_category": "Heavy_thing",
        "allowed_pattern": "[0-9]+|x",
        "allowed_value_list": "Weights",
        "display_units": ["kg", "g"],
        "display_precision": 0,
        "unique_values": True,
        "has_display_template": "Template:Property/Weight",
        "subproperty_of": "Has_size",
        "has_input": "slider = wide",
    }


def test_a_property_has_one_value_unless_it_says_otherwise() -> None:
    for text in (template("Property"), template("Property", "allows_multiple_values=No")):
        assert read("properties/Has_x.wikitext", text).item.definition["cardinality"] == "single"


def test_names_become_ids_and_the_label_falls_back_to_the_name() -> None:
    text = template("Category", "has_parent_category=Big box, Other_box", "has_description=")
    item = read("categories/Small_box.wikitext", text).item
    assert (item.item_id, item.label, item.description) == ("Small_box", "Small box", None)
    assert item.definition["parents"] == ["Big_box", "Other_box"]


def test_an_annotations_value_may_have_commas_and_its_namespace_is_left_out() -> None:
    text = annotations(
        "Has description::One, two",
        "has Parent_category::Category:Big box",
        "Has optional property::Property:Has a",
        "Has optional property::Has b",
        "Has note::x",
        "Has note::y",
    )
    item = read("categories/Box.wikitext", text).item
    assert item.description == "One, two"
    assert item.definition["parents"] == ["Big_box"]
    assert item.definition["optional_properties"] == ["Has_a", "Has_b"]
    assert item.definition["has_note"] == ["x", "y"]


def test_lines_that_say_nothing_are_passed_over() -> None:
    body = "{{Category\n<!-- b -->\n|has_description=A\n  b\n\nc\n<!-- d -->\n}}"
    text = f"\ufeffNotes\n\n{START}\n\n<!-- why -->\n{body}\n{END}\nMore {{{{x}}}}"
    assert read("categories/Box.wikitext", text).item.description == "A\nb\n\nc"
    heading = f"{START}\n=== Properties ===\n[[Has description::A]]\n{END}"
    assert read("categories/Box.wikitext", heading).item.description == "A"


def test_the_markers_may_be_absent_and_lines_may_end_as_on_windows() -> None:
    text = "{{Category\r\n|has_description=A\r\n}}\r\n[[Category:X]]\r\n"
    assert read("categories/Box.wikitext", text).item.description == "A"
    assert read("categories/Box.wikitext", "[[Has description::A]]\r\n").item.description == "A"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "neither a template call nor an annotation"),
        ("\n\nNotes", 1, "neither"),
        (f"{START}\n{END}\n", 2, "neither"),
        (f"{START}\n{{{{Category\n}}}}\n", 1, "must stand around"),
        (f"a\n{END}\n{START}\n", 3, "must stand around"),
        (f"{START}\n{END}\n{START}\n{END}", 3, "more than one"),
        (template("Category") + template("Category"), 6, "more than one"),
        (f"{START}\n{{{{Category\n}}}}\n{{{{Category\n}}}}\n{END}", 4, "more than one"),
        (template("Property"), 2, "a `Property` stands where a `Category` belongs"),
        ("\n{{Category|has_description=x}}", 2, "on a line of its own"),
        ("{{}}", 1, "on a line of its own"),
        ("{{Category\n|has_description=x", 1, "no line `}}`"),
        (f"{START}\n{{{{Category\n|has_description=x\n{END}", 2, "no line `}}`"),
        ("{{Category\ntext\n}}", 2, "written `|name=value`"),
        ("{{Category\n|positional\n}}", 2, "written `|name=value`"),
        ("{{Category\n|=x\n}}", 2, "written `|name=value`"),
        ("{{Category\n|a=x\n|a=y\n}}", 3, "`a` stands twice"),
        ("{{Category\n|parent=x\n}}", 2, "`parent` is no parameter of a Category"),
        ("{{Category\n|display_label=" + "x" * 1001 + "\n}}", 2, "longer than 1000 bytes"),
        ("[[Has type:Text]]", 1, "written `[[Name::value]]`"),
        ("[[Has type::Text]]\n[[ ::Text]]", 2, "written `[[Name::value]]`"),
        ("[[Has description::a]]\n\n[[Has description::b]]", 3, "`has_description` stands twice"),
        ("[[Has description::a]]\n{{Category\n}}", 2, "among annotations"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(FormatError) as refused:
        read("categories/Box.wikitext", text)
    assert reason in refused.value.reason
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        ("allows_multiple_values=maybe", "must be Yes or No"),
        ("display_precision=1.5", "whole number"),
        ("display_precision=" + "9" * 5000, "whole number"),
        ("display_precision=\u0665", "whole number"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(parameter: str, reason: str) -> None:
    with pytest.raises(FormatError, match=reason) as refused:
        read("properties/Has_x.wikitext", template("Property", "has_type=Text", parameter))
    assert refused.value.line == 4


def test_modules_are_no_wikitext() -> None:
    with pytest.raises(FormatError, match="modules are JSON files"):
        read("modules/Core.wikitext", template("Module"))


@pytest.mark.parametrize("root", ontologies.ALL, ids=lambda root: root.name)
@pytest.mark.parametrize("form", [C1, C2])
def test_a_new_file_gives_its_item_back(root: Path, form: Format) -> None:
    for file in ontologies.files_of(root):
        text = write(file.item, form)
        assert read(path_of(file.item, form), text).item == file.item


def test_a_new_file_looks_like_the_others() -> None:
    for form, root in ((C1, ontologies.WIKITEXT_C1), (C2, ontologies.WIKITEXT_C2)):
        for file in ontologies.files_of(root):
            if file.path.endswith("wikitext"):
                # The order of the first lines is the only thing that C1's files had differently.
                assert sorted(write(file.item, form).split("\n")) == sorted(file.text.split("\n"))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_an_edit_changes_lines_of_what_changed_and_no_other(ending: str) -> None:
    old = template(
        "Category",
        "has_description = A box",
        "has_required_property=Has_size,Has  colour",
        "note=kept",
        "has_optional_property=Has x",
    ).replace("\n", ending)
    item = read("categories/Box.wikitext", old).item
    definition = {**item.definition, "parents": ["Thing"], "optional_properties": []}
    definition["properties"] = []
    new = write(replace(item, label="A Box", definition=definition), C2, old)
    assert changed_lines(old, new) == [
        "+ |display_label=A Box",
        "+ |has_parent_category=Thing",
        "- |has_optional_property=Has x",
    ]
    assert new.count(ending) == new.count("\n")


def test_an_annotation_that_stays_keeps_its_line() -> None:
    old = annotations(
        "Has description::A box",
        "Has optional property::Property:Has_a",
        "Note::kept",
        "Has optional property::Property:Has b",
    )
    item = read("categories/Box.wikitext", old).item
    definition = {**item.definition, "optional_properties": ["Has_b", "Has_c"], "properties": []}
    new = write(replace(item, definition=definition), C1, old)
    assert changed_lines(old, new) == [
        "- [[Has optional property::Property:Has_a]]",
        "+ [[Has optional property::Property:Has b]]",
        "+ [[Has optional property::Property:Has c]]",
        "- [[Has optional property::Property:Has b]]",
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("allowed_values", ["one, two"]),
        ("allowed_values", [" one"]),
        ("allowed_values", "one"),
        ("allowed_pattern", "a\n|b=c"),
        ("allowed_pattern", "a\n}}\n{{Property"),
        ("allowed_pattern", f"a\n{END}"),
        ("display_precision", 1.5),
        ("display_precision", True),
        ("cardinality", "some"),
        ("unique_values", "yes"),
        ("nested", {"a": 1}),
        ("a=b", "c"),
        ("label_", "line\r\nend"),
    ],
)
def test_a_value_that_would_be_read_as_another_is_refused(key: str, value: Any) -> None:
    item = Item(Kind.PROPERTY, "Has_x", "x", definition={"datatype": "Text", key: value})
    with pytest.raises(FormatError, match="cannot be written"):
        write(item, C2)


def test_a_value_is_joined_once_however_many_lines_it_has() -> None:
    def joins(lines: int) -> int:
        text = template("Category", "has_description=" + "a\n" * lines)
        return calls(lambda: read("categories/Box.wikitext", text), "join")

    assert joins(2000) == joins(2)


def test_a_reference_is_found_in_its_line() -> None:
    text = template("Category", "has_description=Has x", "has_optional_property=Has a, Has x")
    assert line_of_reference("categories/Box.wikitext", text, "Has_x") == 4
    text = annotations("Has description::Has x", "Has optional property::Property:Has x")
    assert line_of_reference("categories/Box.wikitext", text, "Has_x") == 3
    json = '{"id": "Has_x",\n"parents": [\n"B\\u00fc",\n"Has_x"]}'
    assert line_of_reference("categories/Box.json", json, "Has_x") == 4
    assert line_of_reference("categories/Box.json", json, "B\xfc") == 3
    assert line_of_reference("categories/Box.json", json, "C") == 1


NOISE = st.lists(
    st.sampled_from(
        [START, END, "{{Category", "{{Property", "}}", "|", "|a=b", "|has_type=Text", "[[a::b]]",
         "[[", "]]", "[[Category:x]]", "<!--", "-->", "|has_required_property=A, b", "\ufeff",
         "|display_precision=", "[[Display precision::1]]", "\r", "", "x\x1cy\x85z", "=", "::"]
    )
    | st.text(max_size=8)
).map("\n".join)  # fmt: skip


@given(text=NOISE, kind=st.sampled_from([Kind.CATEGORY, Kind.PROPERTY, Kind.SUBOBJECT]))
def test_a_reader_raises_nothing_but_format_errors(text: str, kind: Kind) -> None:
    with suppress(FormatError):
        file = read(f"{kind.plural}/X.wikitext", text)
        assert write(file.item, file.format, text) == text


IDS = st.from_regex(r"[A-Z][a-z]{0,3}(_[a-z]{1,3}){0,2}", fullmatch=True)
ID_LISTS = st.lists(IDS, max_size=3, unique=True)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
SHAPES: dict[Shape, st.SearchStrategy[Any]] = {
    Shape.TEXT: WORDS,
    Shape.ID: IDS,
    Shape.IDS: ID_LISTS,
    Shape.TEXTS: st.lists(WORDS, max_size=3),
    Shape.NUMBER: st.integers(-9, 99),
    Shape.FLAG: st.booleans(),
    Shape.CARDINALITY: st.sampled_from(["single", "multiple"]),
}


@st.composite
def items(draw: st.DrawFn, kind: Kind) -> Item:
    parameters = [
        one for one in PARAMETERS[kind].values() if one.key not in ("label", "description")
    ]
    values = {one.key: draw(st.none() | SHAPES[one.shape]) for one in parameters}
    values |= draw(
        st.dictionaries(st.from_regex(r"x_[a-z]{1,3}", fullmatch=True), WORDS, max_size=2)
    )
    given_ = {key: value for key, value in values.items() if value is not None}
    description = draw(st.none() | WORDS | st.lists(WORDS, min_size=2).map("\n".join))
    return Item(kind, "Thing", draw(WORDS), description, normalised(kind, given_))


PAIRS = st.sampled_from([Kind.CATEGORY, Kind.PROPERTY, Kind.SUBOBJECT]).flatmap(
    lambda kind: st.tuples(items(kind), items(kind))
)


@given(pair=PAIRS, form=st.sampled_from([C1, C2]))
def test_a_file_that_is_written_or_edited_says_its_item(
    pair: tuple[Item, Item], form: Format
) -> None:
    path = path_of(pair[0], form)
    try:
        first, fresh = write(pair[0], form), write(pair[1], form)
    except FormatError:
        reject()  # what cannot be said in wikitext; hypothesis complains where that is too often
    text = first.replace("\n[[Category", "\nkept\n[[Category")
    assert read(path, text).item == read(path, first).item
    edited = write(pair[1], form, text)
    assert read(path, edited).item == read(path, fresh).item
    assert edited.endswith(text[text.index(END) :])
