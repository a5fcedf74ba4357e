"""A category's inheritance as a picture: which box stands where, and what runs between them.

Whatever a box has for a parent stands above it. Categories that are their own ancestors stand side
by side, and a parent that nothing has is drawn all the same. What is far from the category in the
middle is left out of a large picture.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

from app.ontology.graph import Edge, cycles

# The picture's own units; one is a pixel where there is room for it.
BOX_WIDTH, BOX_HEIGHT = 132, 36
_GAP_X, _GAP_Y, _MARGIN = 14, 44, 14
# With more, labels would be too small to be read on a phone, where the picture is scaled down.
_PER_ROW = 3

# How far the lines within a circle may hang below its boxes; a curve's own depth is less.
_ARC = 34

MAX_BOXES = 40
MAX_LINES = 120

# Column and row, from the upper left.
Cell = tuple[int, int]

# Columns of a label that a box has room for.
_COLUMNS = 16


@dataclass(frozen=True)
class Box:
    """A category; `x` and `y` are of the upper left corner, `label` is None where it is missing."""

    id: str
    label: str | None
    current: bool
    x: int
    y: int

    @property
    def text(self) -> str:
        """The label, or else the id, as far as the box has room for it."""
        return shortened(self.label or self.id, _COLUMNS)


@dataclass(frozen=True)
class Line:
    """From a category to a parent: an SVG path. `circular`: it is part of a cycle."""

    path: str
    circular: bool


@dataclass(frozen=True)
class Picture:
    """The boxes by line from above, the lines between them, and how much has been left out."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]
    left_out: int


def draw(inheritance: dict[str, Any]) -> Picture:
    """Return the picture of an Inheritance (app/api/shapes.py)."""
    labels: dict[str, str | None] = {node["id"]: node["label"] for node in inheritance["nodes"]}
    current = next(node["id"] for node in inheritance["nodes"] if node["is_current"])
    edges = [(edge["source"], edge["target"]) for edge in inheritance["edges"]]
    for edge in edges:
        labels.setdefault(edge[1], None)

    kept = _nearest(current, labels, edges)
    drawn = [edge for edge in edges if edge[0] in kept and edge[1] in kept][:MAX_LINES]
    group = _groups(kept, drawn)
    cells = _cells(_levels(kept, drawn, group), labels)

    boxes = [Box(one, labels[one], one == current, *_corner(cell)) for one, cell in cells.items()]
    lines = [
        Line(_path(cells[child], cells[parent]), group[child] == group[parent])
        for child, parent in drawn
    ]
    circular = any(line.circular for line in lines)
    return Picture(
        width=max(box.x for box in boxes) + BOX_WIDTH + _MARGIN,
        height=max(box.y for box in boxes) + BOX_HEIGHT + (_ARC if circular else _MARGIN),
        boxes=boxes,
        lines=lines,
        left_out=len(labels) - len(kept),
    )


def shortened(text: str, columns: int) -> str:
    """Return the text, or its beginning with an ellipsis; a wide character takes two columns."""
    used = 0
    for place, one in enumerate(text):
        used += 2 if east_asian_width(one) in "WF" else 1
        if used > columns:
            return text[: max(place - 1, 0)] + "…"
    return text


def _nearest(current: str, labels: dict[str, str | None], edges: list[Edge]) -> dict[str, None]:
    """Return MAX_BOXES ids, in order of their distance from the current one: an ordered set."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for child, parent in edges:
        neighbours[child].append(parent)
    for child, parent in edges:  # parents come before children of the same distance
        neighbours[parent].append(child)
    found = {current: None}
    queue = [current]
    for one in queue:  # grows
        for other in neighbours[one]:
            if len(found) == MAX_BOXES:
                return found
            if other not in found and other in labels:
                found[other] = None
                queue.append(other)
    return found


def _groups(ids: dict[str, None], edges: list[Edge]) -> dict[str, str]:
    """Return for each id the first of those with which it goes round in circles, else itself."""
    group = {one: one for one in ids}
    for circle in cycles(edges):
        group.update(dict.fromkeys(circle, circle[0]))
    return group


def _levels(ids: dict[str, None], edges: list[Edge], group: dict[str, str]) -> dict[str, int]:
    """Return each id's level: 0 below all, else above every child that is not in its circle."""
    level = dict.fromkeys(group.values(), 0)
    changed = True
    while changed:  # ends: without the edges within groups there is no cycle
        changed = False
        for child, parent in edges:
            low, high = group[child], group[parent]
            if low != high and level[high] <= level[low]:
                level[high] = level[low] + 1
                changed = True
    return {one: level[group[one]] for one in ids}


def _cells(levels: dict[str, int], labels: dict[str, str | None]) -> dict[str, Cell]:
    """Return each id's cell: a level's by label, near the middle, in as many rows as it takes."""
    members: dict[int, list[str]] = defaultdict(list)
    for one in sorted(levels, key=lambda one: (labels[one] or one, one)):
        members[levels[one]].append(one)
    rows = [
        level[start : start + _PER_ROW]
        for _, level in sorted(members.items(), reverse=True)
        for start in range(0, len(level), _PER_ROW)
    ]
    widest = max(map(len, rows))
    return {
        one: ((widest - len(row)) // 2 + place, number)
        for number, row in enumerate(rows)
        for place, one in enumerate(row)
    }


def _corner(cell: Cell) -> tuple[int, int]:
    column, row = cell
    return _MARGIN + column * (BOX_WIDTH + _GAP_X), _MARGIN + row * (BOX_HEIGHT + _GAP_Y)


def _path(child: Cell, parent: Cell) -> str:
    """Return the path from a child's box to its parent's, behind no other box."""
    (x1, y1), (x2, y2) = _corner(child), _corner(parent)
    half, bottom = BOX_WIDTH // 2, y2 + BOX_HEIGHT
    if parent[1] >= child[1]:
        # Within a circle: an arc below both, a loop where it is one and the same.
        low = max(y1 + BOX_HEIGHT, bottom) + _ARC
        start, end = x1 + half + 20, x2 + half - 20
        return f"M{start} {y1 + BOX_HEIGHT}C{start} {low} {end} {low} {end} {bottom}"
    if child[1] - parent[1] == 1:
        return f"M{x1 + half} {y1}{_bend(x1 + half, y1, x2 + half)}"
    # Past the rows between, through the gap beside the child's column on the parent's side.
    lane = x1 - _GAP_X // 2 if x2 <= x1 else x1 + BOX_WIDTH + _GAP_X // 2
    up = f"M{x1 + half} {y1}{_bend(x1 + half, y1, lane)}V{bottom + _GAP_Y}"
    return up + _bend(lane, bottom + _GAP_Y, x2 + half)


def _bend(x1: int, y1: int, x2: int) -> str:
    """Return the curve through the gap above a row, from one place on its edge to another."""
    middle = y1 - _GAP_Y // 2
    return f"C{x1} {middle} {x2} {middle} {x2} {y1 - _GAP_Y}"
