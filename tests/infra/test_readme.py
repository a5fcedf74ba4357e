"""What the README names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_every_path_that_the_readme_links_to_or_lists_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    folders = re.findall(r"^\| `([\w/]+/)` \|", README, re.MULTILINE)
    assert len(links) >= 1
    assert len(folders) >= 7
    for path in (*links, *folders):
        assert (ROOT / path).exists(), path


def test_every_make_command_of_the_readme_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    assert {"up", "down", "test", "status", "logs", "psql", "recover"} <= named
    assert named <= targets
