"""The ontologies that the benchmark invents: what they promise, and that they can be imported."""

import json
from collections import Counter
from pathlib import Path

import pytest

from app.formats import decode, read
from app.ontology.kinds import Kind
from app.ontology.normal import normalised
from bench.api.ontology import DOMAIN_SIZE, FAN_OUT, Ontology, Row, vocabulary
from bench.api.source import write_folder

SIZE = 6_000  # enough for more than FAN_OUT domains to share one top category


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(Ontology(SIZE).entities())


def test_it_is_of_the_size_that_was_asked_for_and_the_same_each_time(rows: list[Row]) -> None:
    assert len(rows) == SIZE
    assert len({(kind, one) for kind, one, *_ in rows}) == SIZE
    assert rows == list(Ontology(SIZE).entities())


def test_nothing_has_more_children_or_users_than_the_fan_out(rows: list[Row]) -> None:
    children: Counter[str] = Counter()
    users: Counter[str] = Counter()
    for kind, _, _, _, text in rows:
        if kind == Kind.CATEGORY:
            definition = json.loads(text)
            children.update(definition["parents"])
            users.update(definition["properties"] + definition["subobjects"])
    assert FAN_OUT / 2 < max(children.values()) <= FAN_OUT
    assert FAN_OUT / 2 < max(users.values()) <= FAN_OUT


def test_all_references_lead_somewhere(rows: list[Row]) -> None:
    known = {(kind, one) for kind, one, *_ in rows}
    for _, _, _, _, text in rows:
        definition = json.loads(text)
        for key, kind in (
            ("parents", Kind.CATEGORY),
            ("properties", Kind.PROPERTY),
            ("subobjects", Kind.SUBOBJECT),
        ):
            assert all((kind, one) in known for one in definition.get(key, []))


def test_definitions_are_in_the_normal_form(rows: list[Row]) -> None:
    for kind, _, _, _, text in rows:
        definition = json.loads(text)
        assert normalised(Kind(kind), definition) == definition


def test_a_larger_one_has_more_words_and_all_those_of_a_smaller() -> None:
    small, large = vocabulary(1_000).words, vocabulary(10_000).words
    assert len(large) > 2 * len(small)
    assert large[: len(small)] == small


def test_its_files_are_read_as_its_rows(tmp_path: Path) -> None:
    ontology = Ontology(DOMAIN_SIZE)
    folder = write_folder(ontology, tmp_path / "source")
    stored = {row[:2]: row[2:] for row in Ontology(DOMAIN_SIZE).entities()}
    found = 0
    for file in sorted(folder.rglob("*.wikitext")):
        item = read(str(file.relative_to(folder)), decode(file.read_bytes())).item
        label, description, text = stored[item.kind.value, item.item_id]
        assert (item.label, item.description) == (label, description)
        assert item.definition == json.loads(text)
        found += 1
    assert found == DOMAIN_SIZE
