"""Find the Pulumi CLI, or bring it: the installed one, else the official download, else built."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from toolchain import console, files, go, processes, versions
from toolchain.console import UserError
from toolchain.paths import SOURCES, VENV, cache, pulumi_home

HOST = SOURCES / "host"
LANGUAGE_HOST = "pulumi-language-python"


class Origin(Enum):
    """Where a CLI comes from."""

    INSTALLED = "installed"
    DOWNLOADED = "official download"
    BUILT = "built from Go modules"


@dataclass(frozen=True)
class Cli:
    """A Pulumi CLI that is new enough."""

    program: Path
    version: str
    origin: Origin

    @property
    def folder(self) -> Path:
        """The folder to put on PATH."""
        return self.program.parent


def find(path: str) -> Cli | None:
    """Return the CLI to use: one on the given PATH, else one in the cache."""
    return installed(path) or _cached(Origin.DOWNLOADED) or _cached(Origin.BUILT)


def installed(path: str) -> Cli | None:
    """Return the CLI on PATH if it is new enough and complete; say why not."""
    own = (str(cache()), str(VENV))
    elsewhere = os.pathsep.join(one for one in path.split(os.pathsep) if not one.startswith(own))
    name = shutil.which("pulumi", path=elsewhere)
    if not name:
        return None
    version = version_of(Path(name))
    numbers, wanted = versions.parse(version), versions.parse(versions.PULUMI)
    if numbers < wanted or numbers[0] != wanted[0]:
        reason = f"is {version or 'broken'}; this project needs {versions.PULUMI} or newer"
        console.say(f"not used: {name} {reason} of major version {wanted[0]}")
        return None
    beside = Path(name).resolve().parent / LANGUAGE_HOST
    if not beside.exists() and not shutil.which(LANGUAGE_HOST, path=elsewhere):
        console.say(f"not used: {name} has no {LANGUAGE_HOST} beside it")
        return None
    return Cli(Path(name), version, Origin.INSTALLED)


def bring(checksum: str | None) -> Cli:
    """Download the CLI if its checksum is known (the site answers), else build it.

    Only to be called with the cache's lock held.
    """
    if cli := _cached(Origin.DOWNLOADED) or _cached(Origin.BUILT):
        return cli  # another setup was quicker
    if checksum:
        from toolchain import download  # its imports cost every other setup 50 ms

        try:
            with files.new_folder(_folder(Origin.DOWNLOADED)) as folder:
                download.fetch(folder, checksum)
                _verify(folder)
            return _present(Origin.DOWNLOADED)
        except download.UnreachableError as error:
            console.say(f"no official download: {error}")
    with files.new_folder(_folder(Origin.BUILT)) as folder:
        go.build_cli(folder)
        _verify(folder)
    return _present(Origin.BUILT)


def refresh_language_host(cli: Cli) -> None:
    """Put the project's own language host beside a built CLI, where the CLI finds it."""
    if cli.origin is not Origin.BUILT:
        return
    sources = dict(_host_files())
    for name, source in sources.items():
        mode = 0o755 if os.access(source, os.X_OK) else 0o644
        files.write(cli.folder / name, source.read_bytes(), mode)
    for old in cli.folder.rglob("*.py"):
        if str(old.relative_to(cli.folder)) not in sources:
            old.unlink()  # a module that is no more would still be imported


def version_of(program: Path) -> str:
    """Return what `pulumi version` says ("3.259.0"), or "" if it does not run."""
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1", "PULUMI_HOME": str(pulumi_home())}
    done = processes.answer([str(program), "version"], seconds=30, env=env)
    return done.stdout.strip().removeprefix("v") if done.returncode == 0 else ""


def _host_files() -> Iterator[tuple[str, Path]]:
    for source in HOST.rglob("*"):
        if source.is_file() and "__pycache__" not in source.parts:
            yield str(source.relative_to(HOST)), source


def _folder(origin: Origin) -> Path:
    suffix = f"-built-{go.cli_digest()}" if origin is Origin.BUILT else ""
    return cache() / f"pulumi-{versions.PULUMI}{suffix}"


def _cached(origin: Origin) -> Cli | None:
    program = _folder(origin) / "bin" / "pulumi"
    if not program.exists() or version_of(program) != versions.PULUMI:
        return None
    return Cli(program, versions.PULUMI, origin)


def _present(origin: Origin) -> Cli:
    return Cli(_folder(origin) / "bin" / "pulumi", versions.PULUMI, origin)


def _verify(folder: Path) -> None:
    version = version_of(folder / "bin" / "pulumi")
    if version != versions.PULUMI:
        raise UserError(
            f"the Pulumi CLI just made says it is {version or 'nothing'!r}, not {versions.PULUMI}",
            "run the same make command again",
        )
