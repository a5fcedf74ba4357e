"""A value written into a template call is one value for MediaWiki too."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats import Format, FormatError, Item, read, write
from app.formats.wikitext_calls import stays_whole
from app.ontology.kinds import Kind

WHOLE = [
    *("", "a", "{a}", "[a]", "a}", "]]", "[[a]]", "[[a|b]] c", "{{a|b=c}}", "{{{a|b}}}"),
    *("{{a|[[b|c]]|{{d}}}}", "{{{{{a|b}}}|c}}", "[[a|{{b|c}}]]", "[[[a b]]]"),
]
BROKEN = [
    *("|", "a|b", "[[a]]|b", "{{a}} | b", "{{", "{{a", "a}}", "}}{{", "[[", "[[a|b", "{{a]]"),
    *("[a|b]", "{a|b}", "{{a|b}}}}", "{{{{a}}", "[[a}}"),
]
SIGNS = st.lists(st.sampled_from(["[", "]", "{", "}", "[[", "]]", "{{", "}}", "|", "a"]))


def item(text: str) -> Item:
    return Item(Kind.CATEGORY, "Box", "Box", text, definition={"note": text})


@pytest.mark.parametrize("value", WHOLE)
def test_a_value_whose_brackets_are_balanced_is_written(value: str) -> None:
    assert read("categories/Box.wikitext", write(item(value), Format.WIKITEXT_C2))


@pytest.mark.parametrize("value", BROKEN)
def test_a_value_that_mediawiki_would_read_otherwise_is_refused(value: str) -> None:
    with pytest.raises(FormatError, match="cannot be written in wikitext"):
        write(item(value), Format.WIKITEXT_C2)
    # Where it is in a file already, it is read, and what else changes is written.
    old = f"{{{{Category\n|note=x{value}\n}}}}\n"
    file = read("categories/Box.wikitext", old)
    changed = Item(Kind.CATEGORY, "Box", "Other", definition=file.item.definition)
    new = write(changed, Format.WIKITEXT_C2, old)
    assert new.replace("|display_label=Other\n", "") == old


@given(SIGNS.map("".join))
def test_what_is_written_has_no_bar_outside_of_brackets(value: str) -> None:
    rest, before = value, ""
    while rest != before:
        before = rest
        rest = re.sub(r"\{\{[^{}\[\]]*\}\}|\[\[[^{}\[\]]*\]\]", "", rest)
    if not re.search(r"[\[\]{}]", rest):
        assert stays_whole(value) == ("|" not in rest)
