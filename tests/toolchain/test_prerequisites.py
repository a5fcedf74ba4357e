"""All that a machine lacks is told at once, each with what mends it, before anything is created."""

import ast
from pathlib import Path

import pytest

from tests.toolchain.clone import ROOT, Clone

SETUP = "import sys; from toolchain.__main__ import main; sys.exit(main(['setup']))"
ORDINARY_USER = "import os; os.geteuid = lambda: 1000\n"
NO_DEBIAN = "from toolchain import processes; processes.debian_root = lambda: False\n"
NO_ENSUREPIP = "from toolchain import virtualenv; virtualenv.can_be_made = lambda: False\n"
DEBIANS_PYTHON = (
    "from toolchain import processes; processes.base_python = lambda: '/usr/bin/python3'\n"
)
FULL_DISK = (
    "import shutil; shutil.disk_usage = lambda path: shutil._ntuple_diskusage(1, 1, 10**9)\n"
)
OTHER_PYTHON = DEBIANS_PYTHON.replace("/usr/bin", "/opt/py/bin")
NO_SITE = {"ONTOLOGY_HUB_PULUMI_MIRROR": "http://127.0.0.1:9"}


@pytest.fixture
def bare(clone: Clone) -> Clone:
    """Return a clone on a machine without a Docker engine and with an old Go."""
    clone.program("docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    clone.program("go", "echo go version go1.19.8 linux/amd64")
    return clone


def hide(name: str) -> str:
    """Return what lets a program seem not to be installed."""
    return (
        "import shutil; which = shutil.which\n"
        f"hidden = lambda name, path=None: None if name == {name!r} else which(name, path=path)\n"
        "shutil.which = hidden\n"
    )


def created(clone: Clone) -> list[str]:
    """Return what a setup has made."""
    paths = [clone.root / ".hub", clone.root / ".venv", Path(clone.env["ONTOLOGY_HUB_CACHE"])]
    return [str(path) for path in paths if path.exists()]


def test_all_is_told_at_once_and_nothing_is_created(bare: Clone) -> None:
    machine = ORDINARY_USER + NO_ENSUREPIP + DEBIANS_PYTHON + FULL_DISK
    done = bare.python("-c", machine + SETUP, **NO_SITE)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    mends = [line for line in done.stderr.splitlines() if line.startswith("to mend it: ")]
    assert len(errors) == len(mends) == 4, done.stderr
    assert "package python3-venv is missing" in errors[0]
    assert "sudo apt-get install python3-venv" in mends[0]
    assert "no Docker engine answers: Cannot connect" in errors[1]
    assert "apt-get install docker.io iptables" in mends[1]
    assert "needs Go 1.25.11 or newer" in errors[2]
    assert "bin/go is 1.19.8" in errors[2]
    assert "https://go.dev/dl" in mends[2]
    assert "has 1.0 GB left; this setup and the images need about 13.0 GB" in errors[3]
    assert "docker system df" in mends[3]
    assert "Traceback" not in done.stderr
    assert created(bare) == []


def test_root_on_debian_lacks_only_what_cannot_be_installed(bare: Clone) -> None:
    machine = "import os; os.geteuid = lambda: 0\n" + NO_ENSUREPIP + DEBIANS_PYTHON
    done = bare.python("-c", machine + SETUP, **NO_SITE)
    assert done.stderr.count("error: ") == 1, done.stderr
    assert "needs Go 1.25.11" in done.stderr
    assert created(bare) == []


def test_no_go_at_all_is_named(bare: Clone) -> None:
    done = bare.python("-c", hide("go") + SETUP, **NO_SITE)
    assert "there is no Go" in done.stderr


def test_no_git_in_a_clone_is_named(bare: Clone) -> None:
    (bare.root / ".git").mkdir()
    done = bare.python("-c", NO_DEBIAN + hide("git") + SETUP, **NO_SITE)
    assert "there is no git on PATH" in done.stderr
    assert "sudo apt-get install git" in done.stderr


def test_another_python_without_ensurepip_is_not_mended_by_apt(bare: Clone) -> None:
    done = bare.python("-c", NO_ENSUREPIP + OTHER_PYTHON + SETUP, **NO_SITE)
    assert "/opt/py/bin/python3 cannot make virtual environments" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_a_cache_folder_that_cannot_be_made_is_named(bare: Clone) -> None:
    (bare.root.parent / "file").write_text("")
    cache = str(bare.root.parent / "file" / "cache")
    done = bare.python("-c", SETUP, **NO_SITE, ONTOLOGY_HUB_CACHE=cache)
    assert f"{cache} cannot be written" in done.stderr
    assert "choose another cache folder with ONTOLOGY_HUB_CACHE" in done.stderr


def test_a_folder_that_path_cannot_hold_is_named(bare: Clone) -> None:
    done = bare.python("-c", SETUP, **NO_SITE, ONTOLOGY_HUB_CACHE="/tmp/a:b")  # noqa: S108
    assert "the folder /tmp/a:b has a colon in its name" in done.stderr
    assert "set ONTOLOGY_HUB_CACHE to another folder" in done.stderr


def test_a_python_that_is_too_old_says_so(clone: Clone) -> None:
    old = "import sys; sys.version_info = (3, 9, 2)\n"
    done = clone.python("-c", old + SETUP)
    assert done.returncode == 1
    assert "is Python 3.9.2; this project needs 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr
    source = (ROOT / "toolchain" / "__main__.py").read_text()
    ast.parse(source, feature_version=(3, 8))


def test_another_command_is_refused_with_the_usage(clone: Clone) -> None:
    done = clone.python("-m", "toolchain", "set-up")
    assert done.returncode == 2
    assert "usage: python3 -m toolchain setup" in done.stderr
