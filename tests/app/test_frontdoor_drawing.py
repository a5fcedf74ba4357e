"""The picture of an inheritance: parents above, nothing on top of another, whatever the graph."""

import re
from itertools import pairwise
from typing import Any

import pytest

from app.frontdoor.drawing import (
    BOX_HEIGHT,
    BOX_WIDTH,
    MAX_BOXES,
    MAX_LINES,
    Box,
    Picture,
    draw,
    shortened,
)


def inheritance(current: str, **parents: str) -> dict[str, Any]:
    """Return what the API says where these categories have these parents, parted by blanks."""
    return {
        "nodes": [
            {"id": one, "label": one, "entity_id": one, "is_current": one == current}
            for one in parents
        ],
        "edges": [
            {"source": child, "target": parent}
            for child, named in parents.items()
            for parent in named.split()
        ],
    }


def by_id(picture: Picture) -> dict[str, Box]:
    found = {box.id: box for box in picture.boxes}
    assert len({(box.x, box.y) for box in picture.boxes}) == len(picture.boxes) == len(found)
    for box in picture.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + BOX_WIDTH <= picture.width
        assert box.y + BOX_HEIGHT <= picture.height
    return found


def test_every_parent_stands_above_also_one_that_is_a_grandparent_too() -> None:
    picture = draw(inheritance("C", A="", B="A", C="B A", D="C A"))
    boxes = by_id(picture)
    assert boxes["A"].y < boxes["B"].y < boxes["C"].y < boxes["D"].y
    assert len(picture.lines) == 5
    assert [box.id for box in picture.boxes if box.current] == ["C"]


@pytest.mark.parametrize(
    ("graph", "circle"),
    [
        ({"A": "A"}, {"A"}),
        ({"A": "B", "B": "A"}, {"A", "B"}),
        ({"A": "B", "B": "C", "C": "A"}, {"A", "B", "C"}),
        ({"A": "B", "B": "C", "C": "B"}, {"B", "C"}),
    ],
)
def test_a_circle_stands_side_by_side_with_what_leads_into_it_below(
    graph: dict[str, str], circle: set[str]
) -> None:
    picture = draw(inheritance("A", **graph))
    boxes = by_id(picture)
    assert len({boxes[one].y for one in circle}) == 1
    assert all(boxes[one].y > boxes[min(circle)].y for one in set(graph) - circle)
    assert sum(line.circular for line in picture.lines) >= len(circle)


def test_a_parent_that_nothing_has_is_a_box_without_a_label() -> None:
    boxes = by_id(draw(inheritance("A", A="Gone")))
    assert boxes["Gone"].label is None
    assert boxes["Gone"].text == "Gone"
    assert boxes["Gone"].y < boxes["A"].y


def test_of_a_long_chain_what_is_near_is_drawn() -> None:
    names = [f"N{number}" for number in range(5000)]
    graph = dict(pairwise(names))
    picture = draw(inheritance("N0", **graph, N4999=""))
    assert set(by_id(picture)) == set(names[:MAX_BOXES])
    assert picture.left_out == 5000 - MAX_BOXES


def test_a_dense_graph_has_a_bound_of_lines() -> None:
    names = [f"N{number}" for number in range(60)]
    picture = draw(inheritance("N0", **dict.fromkeys(names, " ".join(names))))
    assert len(by_id(picture)) == MAX_BOXES
    assert len(picture.lines) == MAX_LINES


def test_a_category_alone_is_one_box() -> None:
    picture = draw(inheritance("A", A=""))
    assert list(by_id(picture)) == ["A"]
    assert picture.lines == []


def test_no_line_to_a_parent_runs_behind_another_box() -> None:
    children = {f"Child{number}": "B" for number in range(8)}
    picture = draw(inheritance("B", Top="", A="Top", B="A Top", **children))
    boxes = by_id(picture)
    for line in picture.lines:
        for x, y in points(line.path):
            for box in boxes.values():
                assert not (box.x < x < box.x + BOX_WIDTH and box.y < y < box.y + BOX_HEIGHT), (
                    f"{box.id}: {line.path}"
                )


def points(path: str) -> list[tuple[float, float]]:
    """Return points of a path of absolute M, C and V commands, close to one another."""
    found: list[tuple[float, float]] = []
    x = y = 0.0
    for command, rest in re.findall(r"([MCV])([^MCV]*)", path):
        numbers = [float(one) for one in rest.split()]
        steps = [step / 50 for step in range(51)]
        match command, numbers:
            case "M", [x, y]:
                pass
            case "V", [to]:
                found += [(x, y + (to - y) * t) for t in steps]
                y = to
            case "C", [x1, y1, x2, y2, x3, y3]:
                for t in steps:
                    one, two, three, four = (
                        (1 - t) ** 3,
                        3 * t * (1 - t) ** 2,
                        3 * t**2 * (1 - t),
                        t**3,
                    )
                    found.append(
                        (
                            one * x + two * x1 + three * x2 + four * x3,
                            one * y + two * y1 + three * y2 + four * y3,
                        )
                    )
                x, y = x3, y3
            case _:
                raise AssertionError(path)
    return found


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("Person", 6, "Person"),
        ("Persons", 6, "Perso…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日…"),
        ("", 5, ""),
    ],
)
def test_a_text_is_cut_to_its_columns(text: str, columns: int, shown: str) -> None:
    assert shortened(text, columns) == shown
