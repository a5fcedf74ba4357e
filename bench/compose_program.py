"""docker compose: the installed one, else built once from the Go module that compose/ pins."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from toolchain import console, files, go, processes, versions
from toolchain.console import UserError
from toolchain.paths import cache

MODULE = Path(__file__).resolve().parent / "compose"
PACKAGE = "github.com/docker/compose/v2"
MINIMUM = "2.20"  # waits for jobs in `up --wait` as the stack does


@dataclass(frozen=True)
class Compose:
    """How to call docker compose, and which version that is."""

    command: tuple[str, ...]
    version: str


def find() -> Compose:
    """Return docker compose, building it if there is none; raises `UserError` without Go."""
    installed = _asked("docker", "compose")
    if installed and versions.parse(installed.version) >= versions.parse(MINIMUM):
        return installed
    folder = cache() / f"compose-{_pinned()}-built-{files.digest(MODULE.iterdir(), MODULE)[:8]}"
    program = folder / "docker-compose"
    if not program.exists():
        with files.lock(cache()):
            if not program.exists():
                with files.new_folder(folder) as work:
                    _build(work / program.name)
    built = _asked(str(program))
    if built is None:
        raise UserError(f"{program} does not run", f"rm -r {folder}; make bench")
    return built


def _build(target: Path) -> None:
    if not shutil.which("go"):
        raise UserError(
            "there is no docker compose to measure against, and no Go to build it with",
            f"apt-get install docker-compose-v2, or install Go {versions.GO_MINIMUM} or newer "
            "and put its bin folder on PATH",
        )
    with console.progress(f"building docker compose {_pinned()}: once, 3 to 5 min on 2 cores"):
        flag = f"-X {PACKAGE}/internal.Version=v{_pinned()}"
        processes.work(
            [
                *("go", "build", "-mod=readonly", "-trimpath"),
                *("-ldflags", f"{go.STRIPPED} {flag}", "-o", str(target), f"{PACKAGE}/cmd"),
            ],
            mend="check that `go env GOPROXY` is reachable and the disk not full, then: make bench",
            cwd=MODULE,
            env=go.SETTINGS,
        )


def _pinned() -> str:
    found = re.search(rf"{re.escape(PACKAGE)} v(\S+)", (MODULE / "go.mod").read_text())
    if found is None:
        raise ValueError(f"{MODULE}/go.mod does not require {PACKAGE}")
    return found[1]


def _asked(*command: str) -> Compose | None:
    done = processes.answer([*command, "version", "--short"], seconds=20)
    version = done.stdout.strip().removeprefix("v")
    return Compose(command, version) if done.returncode == 0 and version else None
