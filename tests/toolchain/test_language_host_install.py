"""`pulumi install`, and what a user reads when the project's packages are not there."""

import importlib.machinery
import importlib.util
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.toolchain.language_host_cli import HOST, Cli, install_cli, own_virtualenv


@pytest.fixture(scope="module")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a CLI with the tree's language host."""
    return install_cli(tmp_path_factory.mktemp("cli") / "bin")


@pytest.fixture
def cli(binaries: Path, tmp_path: Path) -> Iterator[Cli]:
    """A project without a virtual environment; its only requirement is a wheel beside it."""
    cli = Cli(binaries, tmp_path, "installs", virtualenv=None)
    with zipfile.ZipFile(cli.project / "leaf-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("leaf.py", '"""A package."""\n')
        wheel.writestr(
            "leaf-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: leaf\nVersion: 1.0\n"
        )
        wheel.writestr(
            "leaf-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("leaf-1.0.dist-info/RECORD", "")
    cli.environment["VIRTUAL_ENV"] = own_virtualenv()
    yield cli
    cli.assert_no_process_left()


def test_install_makes_the_virtual_environment_and_shows_pip(cli: Cli) -> None:
    output = cli.succeed("install")
    assert f"Creating virtual environment {cli.project}/.venv" in output
    assert "Successfully installed leaf-1.0" in output
    assert list(cli.project.glob(".venv/lib/python3*/site-packages/leaf.py"))
    assert "Creating" not in cli.succeed("install"), "a second install must keep what is there"
    # The requirements have no pulumi: the program must not run with another interpreter's.
    cli.succeed("stack init dev")
    code, output = cli.run("preview")
    assert code != 0
    assert f"{cli.project}/.venv of Pulumi.yaml has no package pulumi" in output
    assert "run `pulumi install`" in output


def test_install_that_fails_shows_the_reason_of_pip(cli: Cli) -> None:
    (cli.project / ".venv").symlink_to(own_virtualenv())
    (cli.project / "requirements.txt").write_text("./nothing-1.0-py3-none-any.whl\n")
    code, output = cli.run("install")
    assert code != 0
    assert "nothing-1.0-py3-none-any.whl" in output
    assert "failed with exit code 1" in output


def test_program_without_virtual_environment_names_the_command(cli: Cli) -> None:
    cli.succeed("stack init dev")
    code, output = cli.run("preview")
    assert code != 0
    assert f"{cli.project}/.venv of Pulumi.yaml does not exist" in output
    assert "run `pulumi install`" in output
    assert "Traceback" not in output


def test_machine_without_the_sdk_names_the_command(
    cli: Cli, binaries: Path, tmp_path: Path
) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "python3").symlink_to(Path(sys.executable).resolve())
    del cli.environment["VIRTUAL_ENV"]
    cli.environment["PATH"] = f"{binaries}{os.pathsep}{tmp_path / 'python'}"
    code, output = cli.run("install")
    assert code != 0
    venv = cli.project / ".venv"
    assert f"{venv}/bin/python has no package pulumi" in output
    assert f"python3 -m venv {venv} && {venv}/bin/python -m pip install -r" in output
    assert "Traceback" not in output


def test_tools_other_than_pip_are_refused(cli: Cli) -> None:
    settings = cli.project / "Pulumi.yaml"
    settings.write_text(settings.read_text() + "    toolchain: uv\n")
    code, output = cli.run("install")
    assert code != 0
    assert "installs with pip, not with uv: remove `toolchain`" in output


def launcher_function(name: str) -> Callable[[str], str]:
    """Return a function of the launcher, a script whose name Python cannot import."""
    loader = importlib.machinery.SourceFileLoader("launcher", str(HOST / "pulumi-language-python"))
    spec = importlib.util.spec_from_loader("launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    found: Callable[[str], str] = getattr(module, name)
    return found


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("name: a\nruntime: python\n", ""),
        (
            "name: a\nruntime:\n  name: python\n  options:\n    virtualenv: .venv\nmain: infra\n",
            ".venv",
        ),
        (
            "runtime:\n  options:\n    toolchain: pip\n    virtualenv: 'my venv'  # ours\n",
            "my venv",
        ),
        ("runtime: {name: python, options: {virtualenv: venv}}\n", "venv"),
        ('runtime: {"options": {"virtualenv": "/opt/venv", "toolchain": "pip"}}\n', "/opt/venv"),
        ("runtime:\n  name: python\n  options:\n    # virtualenv: old\n    toolchain: pip\n", ""),
        ("runtime:\n# a comment at the left edge\n  options:\n    virtualenv: venv#1\n", "venv#1"),
        ("runtime: python\nconfig:\n  virtualenv:\n    default: no\n", ""),
    ],
)
def test_launcher_reads_the_virtualenv_option_as_yaml_does(text: str, option: str) -> None:
    assert launcher_function("virtualenv_option")(text) == option
