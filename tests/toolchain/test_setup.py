"""A whole setup in a fresh clone, over the CLI and providers that this machine's cache has."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.toolchain.clone import Clone, make_clone
from toolchain import versions

SETUP = ("-m", "toolchain", "setup")


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, real_cache: Path) -> Clone:
    """Return a fresh clone in which two setups have run at once."""
    clone = make_clone(tmp_path_factory.mktemp("ready"))
    clone.env["ONTOLOGY_HUB_CACHE"] = str(real_cache)
    (clone.root / "Pulumi.yaml").write_text("name: ontology-hub\nruntime: python\n")
    pair = (
        "import subprocess, sys\n"
        f"both = [subprocess.Popen([sys.executable, *{SETUP!r}]) for _ in range(2)]\n"
        "sys.exit(max(one.wait() for one in both))"
    )
    done = clone.python("-c", pair)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("==> making the virtual environment") == 1
    assert done.stdout.count("==> installing Python packages") == 1
    return clone


def shell(clone: Clone, script: str) -> str:
    """Run a line in a shell that has sourced `.hub/env`; return what it prints."""
    done = subprocess.run(
        ["sh", "-ec", f". .hub/env; {script}"],
        cwd=clone.root,
        env=clone.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_second_setup_is_quick_and_changes_nothing(ready: Clone) -> None:
    files = sorted((ready.root / ".hub").rglob("*"))
    before = [one.stat().st_mtime_ns for one in files]
    started = time.monotonic()
    done = ready.setup()
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 10  # half a second on an idle machine; nothing is made
    assert "==>" not in done.stdout
    words = [line.split()[0] for line in done.stdout.splitlines()]
    assert words == ["docker", "pulumi", "python", "state"]
    assert sorted((ready.root / ".hub").rglob("*")) == files
    assert [one.stat().st_mtime_ns for one in files] == before


def test_a_setup_inside_its_own_environment_changes_nothing_either(ready: Clone) -> None:
    before = (ready.root / ".hub" / "env").read_bytes()
    assert "==>" not in shell(ready, "python -m toolchain setup")
    assert (ready.root / ".hub" / "env").read_bytes() == before


def test_the_shell_has_the_pinned_pulumi_and_the_clones_python(ready: Clone) -> None:
    assert shell(ready, "pulumi version") == f"v{versions.PULUMI}\n"
    assert shell(ready, "command -v python").strip() == f"{ready.root}/.venv/bin/python"
    plugins = json.loads(shell(ready, "pulumi plugin ls --json"))
    found = {one["name"]: one["version"] for one in plugins if one["kind"] == "resource"}
    assert found.items() >= versions.PLUGINS.items()


def test_the_state_is_kept_in_the_clone(ready: Clone) -> None:
    shell(ready, "pulumi stack init --non-interactive tried")
    stacks = ready.root / ".hub" / "state" / ".pulumi" / "stacks"
    assert (stacks / "ontology-hub" / "tried.json").is_file()
    shell(ready, "pulumi stack rm --yes tried")


def test_certificates_and_pip_settings_are_ready_for_image_builds(ready: Clone) -> None:
    build = ready.root / ".hub" / "build"
    hosts = Path("/usr/local/share/ca-certificates").glob("*.crt")
    assert {one.name for one in hosts} <= {one.name for one in (build / "ca").iterdir()}
    text = (build / "pip.conf").read_text()
    assert text.startswith("[global]\n")
    assert "find-links" not in text
