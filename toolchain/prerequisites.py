"""What this machine must have. All that is missing is found before anything is created."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from toolchain import engine, go, processes, virtualenv
from toolchain.console import UserError
from toolchain.paths import ROOT, cache

GB = 10**9
# Measured on amd64: Go's module and build caches 5 GB, CLI and providers with their copies 0.5 GB.
BUILD_GB = 7.0
DOWNLOAD_GB = 1.5  # the official CLI 0.5 GB unpacked, its archive, the plugins
VENV_GB = 1.0
DOCKER_GB = 5.0  # the images and their build cache
DOCKER_FOLDER = Path("/var/lib/docker")


@dataclass(frozen=True)
class Needs:
    """What this setup has to make, for it is not there yet."""

    build: bool  # from Go modules: something of Pulumi is missing, and its site does not answer
    download: bool
    venv: bool


def problems(needs: Needs, docker: engine.Engine | UserError) -> list[UserError]:
    """Return all that keeps the setup from succeeding."""
    found: list[UserError | None] = [_git(), *map(_usable, (ROOT, cache()))]
    if needs.venv:
        found.append(_venv())
    if isinstance(docker, UserError) and not engine.startable():
        found.append(docker)
    if needs.build:
        found.append(go.problem())
    found += _space(needs)
    return [one for one in found if one is not None]


def install(needs: Needs) -> None:
    """Install what `problems` left out because it can be had here without a question."""
    if needs.venv and not virtualenv.can_be_made():
        processes.apt_install("python3-venv")
    if not shutil.which("git") and (ROOT / ".git").exists():
        processes.apt_install("git")


def _git() -> UserError | None:
    if shutil.which("git") or not (ROOT / ".git").exists() or processes.debian_root():
        return None
    return UserError(f"there is no git on PATH, and {ROOT} is a clone", "sudo apt-get install git")


def _venv() -> UserError | None:
    if virtualenv.can_be_made() or (processes.debian_root() and _is_debians_python()):
        return None
    python = processes.base_python()
    if not _is_debians_python():
        return UserError(
            f"{python} cannot make virtual environments: its module ensurepip is missing",
            "make PYTHON=/path/to/another/python3   (3.11 or newer)",
        )
    return UserError(
        f"{python} cannot make virtual environments: the package python3-venv is missing",
        "sudo apt-get install python3-venv",
    )


def _is_debians_python() -> bool:
    return processes.base_python().startswith("/usr/bin/")


def _usable(folder: Path) -> UserError | None:
    if ":" in str(folder):
        return UserError(
            f"the folder {folder} has a colon in its name, which PATH cannot hold",
            "move the work tree" if folder == ROOT else "set ONTOLOGY_HUB_CACHE to another folder",
        )
    there = _nearest(folder)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return None
    return UserError(
        f"{folder} cannot be written: {there} belongs to another user, or is no folder",
        f'sudo chown -R "$USER" {there}'
        + ("" if folder == ROOT else ", or choose another cache folder with ONTOLOGY_HUB_CACHE"),
    )


def _space(needs: Needs) -> list[UserError]:
    """Check the disks, on a first setup only: a full disk must not keep anyone from `make down`."""
    wanted: dict[Path, float] = {}
    if needs.build:
        wanted[_nearest(cache())] = BUILD_GB
    elif needs.download:
        wanted[_nearest(cache())] = DOWNLOAD_GB
    if needs.venv:
        wanted[ROOT] = VENV_GB
    if wanted:
        wanted[_nearest(DOCKER_FOLDER)] = DOCKER_GB
    by_disk: dict[int, list[Path]] = {}
    for folder in wanted:
        by_disk.setdefault(folder.stat().st_dev, []).append(folder)
    found = []
    for folders in by_disk.values():
        need = sum(wanted[folder] for folder in folders)
        free = shutil.disk_usage(folders[0]).free / GB
        if free < need:
            names = ", ".join(map(str, folders))
            found.append(
                UserError(
                    f"the disk of {names} has {free:.1f} GB left; "
                    f"this setup and the images need about {need:.1f} GB",
                    "make room (see: docker system df; go clean -cache -modcache), "
                    "or choose another cache folder with ONTOLOGY_HUB_CACHE",
                )
            )
    return found


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(one for one in (folder, *folder.parents) if one.exists())
