"""The virtual environment holds what the requirements name, however often pip was interrupted."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.toolchain.clone import Clone, make_clone

ENSURE = "from toolchain import virtualenv; virtualenv.ensure(); print(virtualenv.up_to_date())"


def package(clone: Clone, name: str, setup: str = "") -> str:
    """Make a package on disk; return its line for requirements.txt."""
    folder = clone.root / "packages" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text("")
    (folder / "backend.py").write_text(BACKEND.format(name=name, setup=setup))
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    return f"./packages/{name}\n"


# The least build backend there is: nothing has to come from a package index.
BACKEND = """
import time, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    {setup}
    wheel = "{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + wheel, "w") as file:
        file.writestr("{name}.py", "")
        file.writestr("{name}-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1\\n")
        file.writestr("{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr("{name}-1.dist-info/RECORD", "")
    return wheel
"""  # noqa: E501


def has(clone: Clone, name: str) -> bool:
    """Tell whether the clone's environment has a module."""
    python = clone.root / ".venv" / "bin" / "python"
    return subprocess.run([python, "-c", f"import {name}"], stderr=-3, check=False).returncode == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Return a clone that has its virtual environment: making one takes many seconds."""
    clone = make_clone(tmp_path_factory.mktemp("made"))
    done = clone.python("-c", ENSURE)
    assert "making the virtual environment" in done.stdout, done.stderr
    assert done.stdout.endswith("True\n")
    return clone


def test_pip_runs_only_when_the_files_have_changed(made: Clone) -> None:
    assert made.python("-c", ENSURE).stdout == "True\n"
    for name in (
        "app/requirements.txt",
        "backup/requirements.txt",
        "constraints.txt",
        "requirements.txt",
    ):
        content = package(made, "first") if name == "requirements.txt" else "# changed\n"
        (made.root / name).write_text(content)
        again = made.python("-c", ENSURE).stdout
        assert "installing Python packages" in again
        assert "making" not in again
    assert has(made, "first")


def test_constraints_hold_and_a_failed_pip_is_run_again(made: Clone) -> None:
    (made.root / "requirements.txt").write_text(package(made, "second"))
    (made.root / "constraints.txt").write_text("second==2\n")
    for _ in range(2):
        refused = made.python("-c", ENSURE)
        assert refused.returncode == 1
        assert "second" in refused.stderr
    (made.root / "constraints.txt").unlink()
    assert made.python("-c", ENSURE).stdout.endswith("True\n")
    assert has(made, "second")


def test_a_killed_pip_is_run_again(made: Clone) -> None:
    marker = made.root.parent / "begun"
    slow = f"open({str(marker)!r}, 'w'); time.sleep(60)"
    (made.root / "requirements.txt").write_text(package(made, "slow", slow))
    with subprocess.Popen(
        [sys.executable, "-c", ENSURE],
        cwd=made.root,
        env=made.env,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        deadline = time.monotonic() + 60
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(running.pid, signal.SIGKILL)
    assert marker.exists()
    package(made, "slow")  # the same requirements, quicker this time
    done = made.python("-c", ENSURE)
    assert "installing Python packages" in done.stdout
    assert done.stdout.endswith("True\n"), done.stderr
    assert has(made, "slow")


def test_half_an_environment_is_made_anew(made: Clone) -> None:
    (made.root / ".venv" / "bin" / "pip").unlink()
    done = made.python("-c", ENSURE)
    assert "making the virtual environment" in done.stdout
    assert done.stdout.endswith("True\n"), done.stderr


def test_an_environment_of_a_python_that_is_gone_is_no_environment(made: Clone) -> None:
    exists = "from toolchain import virtualenv; print(virtualenv.exists())"
    library = next((made.root / ".venv" / "lib").iterdir())
    assert made.python("-c", exists).stdout == "True\n"
    other = library.rename(library.with_name("python3.10"))
    assert made.python("-c", exists).stdout == "False\n"
    other.rename(library)
