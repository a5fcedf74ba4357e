"""Which Pulumi CLI is used: an installed one if it is new enough, else one that is brought."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.toolchain.clone import Clone
from toolchain import versions

FIND = """
import os
from toolchain import pulumi_cli
cli = pulumi_cli.find(os.environ["PATH"])
print("found", cli and (cli.version, cli.origin.name, str(cli.program)))
"""
# Enough of Go for a "build": it writes a CLI that knows its version only.
GO = f"""
while [ "$1" != -o ]; do shift; done
mkdir -p "$(dirname "$2")"
printf '#!/bin/sh\\necho v{versions.PULUMI}\\n' > "$2" && chmod +x "$2"
"""
BRING = """
from toolchain import pulumi_cli
cli = pulumi_cli.bring(None)
pulumi_cli.refresh_language_host(cli)
print(cli.program)
"""


def bring(clone: Clone) -> tuple[Path, str]:
    """Bring a CLI into the clone's cache; return it and what was said."""
    done = clone.python("-c", BRING)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1]), done.stdout


def install(clone: Clone, version: str, language_host: bool = True) -> Path:
    """Put a CLI that says this version on the clone's PATH."""
    if language_host:
        clone.program("pulumi-language-python", "exit 0")
    return clone.program("pulumi", f"echo {version}")


@pytest.mark.parametrize("version", ["3.259.0", "v3.259.0", "v3.272.1", "v3.259.1-alpha.5"])
def test_an_installed_cli_that_is_new_enough_is_used(clone: Clone, version: str) -> None:
    program = install(clone, version)
    found = clone.python("-c", FIND).stdout
    assert f"('{version.removeprefix('v')}', 'INSTALLED', {str(program)!r})" in found


@pytest.mark.parametrize("version", ["v3.258.9", "v3.99.0", "v2.300.0", "v4.0.0", "nonsense", ""])
def test_one_that_is_too_old_or_of_another_major_version_is_not(clone: Clone, version: str) -> None:
    program = install(clone, version)
    found = clone.python("-c", FIND).stdout
    assert f"not used: {program} is {version.removeprefix('v') or 'broken'}" in found
    assert found.endswith("found None\n")


def test_one_without_a_language_host_is_not_used(clone: Clone) -> None:
    install(clone, "v3.259.0", language_host=False)
    found = clone.python("-c", FIND).stdout
    assert "has no pulumi-language-python beside it" in found
    assert found.endswith("found None\n")


def test_a_cli_in_the_cache_is_never_taken_for_an_installed_one(clone: Clone) -> None:
    program = install(clone, "v3.259.0")
    found = clone.python("-c", FIND, ONTOLOGY_HUB_CACHE=str(program.parents[1])).stdout
    assert found.endswith("found None\n")


def test_without_a_download_it_is_built_once_with_the_projects_language_host(
    clone: Clone,
) -> None:
    clone.program("go", GO)
    program, said = bring(clone)
    assert "building the Pulumi CLI" in said
    assert (program.parent / "pulumi-language-python").stat().st_mode & 0o111
    assert bring(clone) == (program, f"{program}\n")


def test_a_build_that_fails_leaves_nothing_and_shows_its_last_lines(clone: Clone) -> None:
    clone.program("go", "echo no space left on device; exit 1")
    done = clone.python("-c", BRING)
    assert "no space left on device" in done.stderr
    assert list(Path(clone.env["ONTOLOGY_HUB_CACHE"]).iterdir()) == []


def test_ctrl_c_ends_a_build_quietly(clone: Clone) -> None:
    clone.program("go", f"echo $$ > {clone.root.parent}/pid; exec sleep 60")
    bring_or_end = (
        "from toolchain import __main__, pulumi_cli, setup\n"
        "setup.setup = lambda: pulumi_cli.bring(None)\n"
        "raise SystemExit(__main__.main(['setup']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", bring_or_end],
        cwd=clone.root,
        env=clone.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as running:
        pid = clone.root.parent / "pid"
        deadline = time.monotonic() + 30
        while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(running.pid, signal.SIGINT)
        assert running.stderr is not None
        assert running.stderr.read() == b""
    assert running.returncode == 130
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert list(Path(clone.env["ONTOLOGY_HUB_CACHE"]).iterdir()) == []


def test_a_damaged_cli_in_the_cache_is_made_anew(clone: Clone) -> None:
    clone.program("go", GO)
    program, _ = bring(clone)
    program.write_text("#!/bin/sh\nexit 1\n")
    assert "building the Pulumi CLI" in bring(clone)[1]
    assert versions.PULUMI in program.read_text()


def test_a_language_host_that_has_changed_reaches_the_cache(clone: Clone) -> None:
    clone.program("go", GO)
    program, _ = bring(clone)
    host = clone.root / "toolchain" / "host"
    package = next(one for one in host.iterdir() if one.is_dir() and one.name != "__pycache__")
    (package / "added.py").write_text("NEW = 1\n")
    bring(clone)
    added = program.parent / package.name / "added.py"
    assert added.read_text() == "NEW = 1\n"
    (package / "added.py").unlink()
    bring(clone)
    assert not added.exists()


def test_two_builds_at_once_make_one(clone: Clone) -> None:
    log = clone.root.parent / "go.log"
    clone.program("go", f"echo build >> {log}\nsleep 1\n{GO}")
    locked = "from toolchain import files, paths\nwith files.lock(paths.cache()):\n" + "\n".join(
        "    " + line for line in BRING.strip().splitlines()
    )
    script = clone.root / "locked.py"
    script.write_text(locked)
    pair = (
        "import subprocess, sys\n"
        "both = [subprocess.Popen([sys.executable, 'locked.py']) for _ in range(2)]\n"
        "print([one.wait() for one in both])"
    )
    done = clone.python("-c", pair, PYTHONPATH=str(clone.root))
    assert "[0, 0]" in done.stdout, done.stderr
    assert log.read_text() == "build\n"
    assert "another setup is at work" in done.stdout


def test_what_a_killed_build_left_is_removed(clone: Clone) -> None:
    cache = Path(clone.env["ONTOLOGY_HUB_CACHE"])
    (cache / ".tmp-abc" / "bin").mkdir(parents=True)
    (cache / ".tmp-abc" / "bin" / "pulumi").write_text("half")
    clone.python("-c", "from toolchain import files, paths\nwith files.lock(paths.cache()): pass")
    assert [one.name for one in cache.iterdir()] == [".lock"]


def test_the_pins_are_those_of_the_requirements_and_of_the_go_modules() -> None:
    root = Path(__file__).resolve().parents[2]
    requirements = (root / "infra" / "requirements.txt").read_text().split()
    pins = {"pulumi": versions.PULUMI}
    pins |= {f"pulumi-{name}": version for name, version in versions.PLUGINS.items()}
    for name, version in pins.items():
        assert f"{name}=={version}" in requirements
    go_mod = (root / "toolchain" / "cli" / "go.mod").read_text()
    assert f"\ngo {versions.GO_MINIMUM}\n" in go_mod
    for module in ("pkg", "sdk"):
        assert f"github.com/pulumi/pulumi/{module}/v3 v{versions.PULUMI} " in go_mod


@pytest.mark.skipif(not shutil.which("go"), reason="only where Go is")
def test_a_go_that_is_new_enough_is_no_problem(clone: Clone) -> None:
    done = clone.python("-c", "from toolchain import go; print(go.problem())")
    assert done.stdout == "None\n"
