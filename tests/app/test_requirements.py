"""What the image installs, and which Pythons it may be."""

import os
import re
import shutil
import subprocess
from importlib.metadata import version

import pytest

from tests.app.support import ROOT

FLOORS = {
    "fastapi": (0, 115),
    "sqlmodel": (0, 0, 22),
    "asyncpg": (0, 30),
    "alembic": (1, 14),
    "pydantic-settings": (2, 7),
    "uvicorn[standard]": (0, 34),
}

COMPILE_ALL = (
    "import sys; [compile(open(f, encoding='utf-8').read(), f, 'exec') for f in sys.argv[1:]]"
)


def requirements() -> dict[str, str]:
    """Return name (with extras) and version of each line; fails on what is not pinned."""
    lines = (ROOT / "app" / "requirements.txt").read_text().splitlines()
    found: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith("#"):
            match = re.fullmatch(r"([a-z0-9-]+(?:\[[a-z]+\])?)==([0-9.]+)", line)
            assert match, line
            found[match[1]] = match[2]
    return found


def test_every_requirement_is_pinned_at_or_above_its_floor() -> None:
    pinned = requirements()
    for name, floor in FLOORS.items():
        assert tuple(int(part) for part in pinned[name].split(".")) >= floor


def test_the_tests_run_with_what_the_image_installs() -> None:
    for name, pin in requirements().items():
        assert version(name.partition("[")[0]) == pin


@pytest.mark.parametrize("python", ["3.12", "3.13"])
def test_the_code_compiles_without_warning_under(python: str) -> None:
    """These tests run under one Python; the image may bring a later one."""
    command = shutil.which(f"python{python}")
    # pyenv's shims ask which of the installed versions is meant.
    environment = os.environ | {"PYENV_VERSION": python}
    if command is None or subprocess.run([command, "-V"], env=environment).returncode != 0:
        pytest.skip(f"python{python} is not installed here")
    files = [str(file) for top in ("app", "migrations") for file in (ROOT / top).rglob("*.py")]
    subprocess.run([command, "-W", "error", "-c", COMPILE_ALL, *files], env=environment, check=True)
