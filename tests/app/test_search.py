"""Search: what it finds, in which order, on each of the ways that it may take."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.hub import Hub, ids


def found(hub: Hub, term: str, **more: Any) -> list[str]:
    page = hub.json("/entities/search", q=term, **more)
    assert (page["next_cursor"], page["has_next"]) == (None, False)
    return ids(page["items"])


def test_a_term_is_found_in_id_label_and_description_in_any_case(hub: Hub) -> None:
    hub.entity("property", "Has_needle", label="a")
    hub.entity("category", "B", label="The NeeDLe")
    hub.entity("subobject", "C", label="c", description="in a\nlong neEdles text")
    hub.entity("property", "D", {"note": "needle"}, label="d", description="need le")
    assert found(hub, "NEEDLE") == ["B", "Has_needle", "C"]
    shown = hub.json("/entities/search", q="needle")["items"]
    assert shown[0] == hub.json("/entities/category/B")


def test_letters_beyond_a_to_z_have_two_cases_too(hub: Hub) -> None:
    hub.category("Ärzte", label="x")
    hub.category("B", label="ÑANDÚ")
    hub.entity("category", "C", label="c", description="ПРИВЕТ")
    assert found(hub, "äRZTE") == ["Ärzte"]
    assert found(hub, "ñandú") == ["B"]
    assert found(hub, "привет") == ["C"]


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("%%", ["percent"]),
        ("0%", ["percent"]),
        ("__", ["under"]),
        ("a_b", ["under"]),
        ("\\\\", ["back"]),
        ("\\%", []),
        ("b\\", ["back"]),
        ("'\"", ["quote"]),
        ("  ", ["space"]),
    ],
)
def test_special_characters_are_plain_ones(hub: Hub, term: str, expected: list[str]) -> None:
    for name, label in {
        "percent": "100%%",
        "under": "a_b__",
        "back": "b\\\\",
        "quote": "'\"",
        "space": "a  b",
        "plain": "aXb",
    }.items():
        hub.entity("property", name, label=label)
    assert found(hub, term) == expected


def test_hits_come_by_label_then_by_id_and_no_more_than_asked_for(hub: Hub) -> None:
    for name, label in {"t3": "b x", "t1": "a x", "T2": "B x", "t4": "a x", "t0": "a"}.items():
        hub.entity("property", name, label=label, description="hit")
    assert found(hub, "hit") == ["T2", "t0", "t1", "t4", "t3"]
    assert found(hub, "hit", limit=2) == ["T2", "t0"]


def test_a_search_shows_20_hits_unless_said_otherwise(hub: Hub) -> None:
    for number in range(101):
        hub.entity("property", f"Has_{number:03}", label="hit")
    assert len(found(hub, "hit")) == 20
    assert found(hub, "hit", limit=100) == [f"Has_{number:03}" for number in range(100)]


def test_a_type_narrows_the_search(hub: Hub) -> None:
    for kind in ("category", "property", "subobject"):
        hub.entity(kind, f"hit_{kind}")
    assert found(hub, "hit", entity_type="property") == ["hit_property"]
    assert len(found(hub, "hit")) == 3
    assert hub.get("/entities/search", entity_type="property").status_code == 422
    assert hub.get("/entities/search", q="hit", entity_type="module").status_code == 422


def test_what_is_deleted_is_not_found(hub: Hub) -> None:
    hub.category("hit", deleted=True)
    assert found(hub, "hit") == []


@pytest.mark.parametrize("term", ["", "a", "a" * 101, "a\0b", "a\nb", "\x1f\x1f"])
def test_a_term_of_the_wrong_length_or_with_control_characters_is_refused(
    hub: Hub, term: str
) -> None:
    refused = hub.get("/entities/search", q=term)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["query", "q"]


def test_terms_of_2_and_of_100_characters_are_taken(hub: Hub) -> None:
    hub.category("A", label="ü" * 100)
    assert found(hub, "ÜÜ") == found(hub, "ü" * 100) == ["A"]


def test_a_term_does_not_reach_from_the_label_into_the_id(hub: Hub) -> None:
    hub.entity("category", "dle", label="nee", description="pin")
    assert found(hub, "needle") == found(hub, "nee dle") == found(hub, "dlepin") == []


def test_the_end_of_a_long_description_is_searched_too(hub: Hub) -> None:
    for name in ("A", "B"):
        hub.entity("category", name, description="long " * 400 + f"needle{name} z1")
    hub.entity("property", "P", label="ä" * 3000)
    assert found(hub, "NEEDLEA") == ["A"]
    assert found(hub, "z1") == ["A", "B"]
    assert found(hub, "ä" * 100) == ["P"]


@pytest.fixture(scope="module")
def crowd(serving: Hub) -> Hub:
    """Many entities: what is rare stands late by label, and the short walk does not come to it."""
    serving.clear()
    serving.sql(
        "INSERT INTO entities (entity_type, entity_id, label, description)"
        " SELECT (ARRAY['category', 'property', 'subobject'])[1 + i % 3]::entitytype,"
        "  'id' || lpad(i::text, 5, '0'), lpad(i::text, 5, '0') || ' thing',"
        "  CASE WHEN i % 40 = 39 THEN 'seldom ' ELSE '' END ||"
        "  CASE WHEN i > 5500 THEN 'rare qz' ELSE '' END"
        " FROM generate_series(1, 6000) AS i"
    )
    serving.sql("ANALYZE entities")
    return serving


@pytest.mark.parametrize("entity_type", [None, "category", "subobject"])
@pytest.mark.parametrize("term", ["thing", "seldom", "rare", "seldom rare", "qz", "ld", "05999"])
def test_every_way_to_the_hits_finds_the_same(
    crowd: Hub, term: str, entity_type: str | None
) -> None:
    kinds = ["category", "property", "subobject"]
    texts = {
        f"id{i:05}": f"{i:05} thing id{i:05} "
        + ("seldom " if i % 40 == 39 else "")
        + ("rare qz" if i > 5500 else "")
        for i in range(1, 6001)
        if entity_type in (None, kinds[i % 3])
    }
    expected = [name for name, text in sorted(texts.items()) if term in text]
    more = {} if entity_type is None else {"entity_type": entity_type}
    assert found(crowd, term, limit=30, **more) == expected[:30]
    assert found(crowd, term, limit=1, **more) == expected[:1]


ALPHABET = "aAbBäÄ _%\\1"
TEXTS = st.text(ALPHABET, max_size=8)
ROWS = st.dictionaries(
    st.text(ALPHABET, min_size=1, max_size=8), st.tuples(TEXTS, st.none() | TEXTS), max_size=8
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, term=st.text(ALPHABET, min_size=2, max_size=4))
def test_search_finds_what_looking_at_each_text_finds(
    serving: Hub, rows: dict[str, tuple[str, str | None]], term: str
) -> None:
    serving.clear()
    for name, (label, description) in rows.items():
        serving.entity("category", name, label=label, description=description)
    hits = [
        (label, name.lower(), name)
        for name, (label, description) in rows.items()
        if any(term.lower() in text.lower() for text in (name, label, description or ""))
    ]
    assert set(found(serving, term)) == {name for *_, name in hits}
    labels = [row["label"] for row in serving.json("/entities/search", q=term)["items"]]
    assert labels == sorted(labels)
