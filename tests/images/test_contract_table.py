"""The table of images/README.md and the tests of this folder say the same."""

import ast
import re
from collections import Counter
from pathlib import Path

from infra.images import RECIPES

TESTED = (
    "postgres",
    "python",
    "pgadmin",
    "haproxy",
    "prometheus",
    "postgres-exporter",
    "node-exporter",
)


def rows() -> list[tuple[str, str]]:
    """Return (image, test) of every row of the contract's table."""
    found = []
    for line in (RECIPES / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0] in TESTED:
            found.append((cells[0], cells[2].strip("`")))
    return found


def image_of(name: str) -> str | None:
    """Return the image that a test or a file of tests is about, by its name."""
    about = [image for image in TESTED if name.startswith(f"test_{image.replace('-', '_')}_")]
    return max(about, key=len, default=None)


def contract_tests() -> list[tuple[str, str]]:
    """Return (image, test) of every test of the contract."""
    found = []
    for file in Path(__file__).parent.glob("test_*.py"):
        if image := image_of(file.stem):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    assert image_of(node.name) == image, node.name
                    found.append((image, node.name))
    return found


def test_every_row_of_the_contract_has_its_test_and_every_test_its_row() -> None:
    assert len(rows()) > 30, "the table was not found"
    assert Counter(rows()) == Counter(contract_tests())
