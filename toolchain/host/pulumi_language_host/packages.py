"""What is installed for a project: its virtual environment, its packages, their plugins."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from .protocol import language, plugin


class ProjectError(Exception):
    """Something in the project that the user can mend; the text says how."""


def virtualenv(info: language.ProgramInfo) -> Path | None:
    """Return the folder of the project's virtual environment, None if the project names none.

    A relative path counts from the folder of Pulumi.yaml, not from that of the program.
    """
    option = dict(info.options).get("virtualenv")
    return Path(info.root_directory) / str(option) if option else None


def check_tool(info: language.ProgramInfo) -> None:
    """Refuse a project whose packages are managed by another tool than pip."""
    tool = dict(info.options).get("toolchain") or "pip"
    if tool != "pip":
        raise ProjectError(
            f"this language host installs with pip, not with {tool}: "
            "remove `toolchain` from `runtime.options` in Pulumi.yaml"
        )


def check_interpreter(info: language.ProgramInfo) -> None:
    """Refuse to run a program with an interpreter that is not the project's."""
    venv = virtualenv(info)
    if venv is not None and not Path(sys.prefix).samefile(venv if venv.exists() else "/"):
        raise ProjectError(
            f"the virtual environment {venv} of Pulumi.yaml "
            f"{'has no package pulumi' if venv.exists() else 'does not exist'} "
            f"(the language host runs with {sys.executable}): run `pulumi install`"
        )


def search_path(info: language.ProgramInfo) -> list[str]:
    """Return the folders the project's packages are found in."""
    venv = virtualenv(info)
    if venv is None or (venv.exists() and Path(sys.prefix).samefile(venv)):
        return sys.path
    # Right after `pulumi install` has made it; this host runs with another interpreter then.
    return [str(folder) for folder in venv.glob("lib/python3*/site-packages")]


def required(info: language.ProgramInfo) -> list[plugin.PackageDependency]:
    """Return the plugins that the installed packages name in their pulumi-plugin.json."""
    found: dict[str, plugin.PackageDependency] = {}
    for folder in search_path(info):
        for path in sorted(Path(folder).glob("*/pulumi-plugin.json")):
            package = _package(path)
            if package is not None:
                found.setdefault(package.name, package)
    return list(found.values())


def _package(path: Path) -> plugin.PackageDependency | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProjectError(f"{path} is not JSON: {error}") from error
    if not content.get("resource"):
        return None
    module = path.parent.name
    version = content.get("version") or _version(module, path.parent.parent)
    package = plugin.PackageDependency(
        name=content.get("name") or module.removeprefix("pulumi_").replace("_", "-"),
        kind="resource",
        version="v" + version.removeprefix("v") if version else "",
        server=content.get("server") or "",
    )
    for key, field in (
        ("parameterization", "parameterization"),
        ("extensionParameterization", "extension"),
    ):
        if value := content.get(key):
            getattr(package, field).CopyFrom(
                plugin.PackageParameterization(
                    name=value["name"],
                    version=value["version"],
                    value=base64.b64decode(value["value"]),
                )
            )
    return package


def _version(module: str, folder: Path) -> str:
    for distribution in distributions(path=[str(folder)]):
        if _normal(distribution.name) == _normal(module):
            return distribution.version
    return ""


def dependencies(info: language.ProgramInfo, transitive: bool) -> list[tuple[str, str]]:
    """Return name and version of the installed packages.

    Without `transitive`, only of those that no other installed package requires.
    """
    installed: dict[str, Distribution] = {}
    for distribution in distributions(path=search_path(info)):
        installed.setdefault(_normal(distribution.name), distribution)
    required: set[str] = set()
    for distribution in () if transitive else installed.values():
        for line in distribution.requires or ():
            if "extra ==" not in line:
                required.add(_normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]))
    return [
        (distribution.name, distribution.version)
        for name, distribution in sorted(installed.items())
        if name not in required
    ]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def install(info: language.ProgramInfo) -> Iterator[str]:
    """Create the virtual environment if there is none and install requirements.txt into it.

    Yields the output line by line as it comes.
    """
    check_tool(info)
    venv = virtualenv(info)
    python = sys.executable
    if venv is not None:
        python = str(venv / "bin/python")
        if not Path(python).exists():
            yield f"Creating virtual environment {venv} (takes some seconds)...\n"
            yield from _stream([sys.executable, "-m", "venv", str(venv)])
    for folder in dict.fromkeys([info.program_directory, info.root_directory]):
        requirements = Path(folder) / "requirements.txt"
        if requirements.is_file():
            yield f"Installing {requirements} with pip (a first time takes minutes)...\n"
            command = [python, "-m", "pip", "install", "--disable-pip-version-check"]
            yield from _stream([*command, "-r", str(requirements)], folder)
            yield "Finished installing dependencies\n"
            return
    yield "There is no requirements.txt: nothing to install\n"


def _stream(command: list[str], folder: str | None = None) -> Iterator[str]:
    with subprocess.Popen(
        command,
        cwd=folder,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        if process.stdout is not None:
            yield from process.stdout
    if process.returncode != 0:
        raise ProjectError(f"`{' '.join(command)}` failed with exit code {process.returncode}")
