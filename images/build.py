"""Build the twins that are missing: content-addressed, under a lock, nothing half left behind."""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from images import bootstrap, certificates, engine
from infra import versions
from infra.images import RECIPES, ROOT, twin_tag
from toolchain import console, paths
from toolchain.console import UserError

STATE = ROOT / ".hub" / "images"
PIP_SETTINGS = ROOT / ".hub" / "build" / "pip.conf"
MEBIBYTE = 1024 * 1024
STAGE_LABEL = "ontology-hub.stage=build"


@dataclass(frozen=True)
class Twin:
    """One image to build: what to tell the reader, and which disk space it takes at its peak."""

    recipe: str
    what: str
    duration: str
    work_mebibytes: int
    engine_mebibytes: int
    # Whether an image that was built without the host's present certificates is out of date.
    trusts_host: bool = False


TWINS = (
    Twin("base", "Debian base", "about 1 min", 500, 150, trusts_host=True),
    Twin("python", "Python", "about 20 s", 0, 150, trusts_host=True),
    Twin("postgres", "PostgreSQL 17", "about 1 min", 0, 600),
    Twin("pgadmin", "pgAdmin 4", "about 3 min", 0, 1500),
    Twin("haproxy", "HAProxy", "about 20 s", 0, 150),
    Twin("prometheus", "Prometheus", "about 20 s", 0, 300),
    Twin("postgres-exporter", "PostgreSQL exporter", "about 20 s", 0, 150),
    Twin("node-exporter", "node exporter", "about 20 s", 0, 150),
)


def run(say: engine.Say = console.say) -> list[str]:
    """Build every missing twin and return their names. Present already: silent, and fast.

    Raises UserError with what is wrong and the command that mends it.
    """
    engine.require()
    # Once: an edit of a recipe while this runs is the next build's matter.
    tags = {twin.recipe: twin_tag(twin.recipe) for twin in TWINS}
    if _missing(tags):
        with _lock(say) as lock, _terminable():
            # Asked again: while this waited for the lock, the other build made them.
            _build(_missing(tags), tags, say, lock)
    return [tag for recipe, tag in tags.items() if recipe != "base"]


def _missing(tags: dict[str, str]) -> list[Twin]:
    """Return what has to be built, the base first; the base only where another one needs it."""
    current = certificates.digest(certificates.find())
    missing = [
        twin
        for twin in TWINS
        if (built := engine.label(tags[twin.recipe], bootstrap.CERTIFICATES_LABEL)) is None
        or (twin.trusts_host and built != current)
    ]
    return missing if any(twin.recipe != "base" for twin in missing) else []


def _build(twins: list[Twin], tags: dict[str, str], say: engine.Say, lock: int) -> None:
    for number, twin in enumerate(twins, start=1):
        _require_space(twin)
        say(f"[{number}/{len(twins)}] building the {twin.what} image ({twin.duration})")
        began = time.monotonic()
        tag = tags[twin.recipe]
        log = STATE / f"{twin.recipe}.log"
        log.unlink(missing_ok=True)
        with _work_folder(twin.recipe) as work:
            if twin.recipe == "base":
                # `docker import` names the image when it is whole, as a last step of its own.
                bootstrap.build(tag, work, log, say, lock)
            else:
                _docker_build(twin, tag, tags["base"], work, log, say, lock)
        say(f"  {tag} is ready ({console.duration(time.monotonic() - began)})")


def _docker_build(
    twin: Twin, tag: str, base: str, work: Path, log: Path, say: engine.Say, lock: int
) -> None:
    """Build one recipe; its image gets its name from `docker build` only when it is whole."""
    # A folder in the work folder, not that one itself: copytree also copies the recipe's mode.
    context = work / "context"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(RECIPES / twin.recipe, context, ignore=ignored)
    # Always there, so that a Dockerfile can copy it. An index address may hold credentials: it is
    # for the owner alone, and must not reach a final image.
    settings = PIP_SETTINGS.read_text(encoding="utf-8") if PIP_SETTINGS.is_file() else ""
    (context / "pip.conf").touch(mode=0o600)
    (context / "pip.conf").write_text(settings, encoding="utf-8")
    arguments = {
        "BASE": base,
        "PGADMIN_VERSION": versions.PGADMIN.rpartition(":")[2],
        **bootstrap.proxy_environment(),
    }
    dockerfile = (context / "Dockerfile").read_text(encoding="utf-8")
    command = ["docker", "build", "--force-rm"]
    for key in arguments:
        if f"ARG {key}\n" in dockerfile or key.endswith("_proxy"):
            # Without its value, which docker takes from the environment: everybody can read a
            # command line, and a proxy's address may hold a password.
            command += ["--build-arg", key]
    # The stage that the final one copies from is built first, under a name of its own that can be
    # removed after: the classic builder would leave it behind as an image without a name.
    stage = f"{tag}-build" if " AS build\n" in dockerfile else None
    targets = [["--target", "build", "--tag", stage]] if stage else []
    for target in [*targets, ["--tag", tag]]:
        engine.run_logged(
            [*command, *target, str(context)],
            log,
            say,
            doing=f"the build of the {twin.what} image",
            keep_open=lock,
            environment=arguments,
        )
    if stage:
        engine.remove(stage)
        engine.remove_unnamed(STAGE_LABEL)


def _require_space(twin: Twin) -> None:
    """Raise UserError where the disk would fill up half-way: measured, with room to spare."""
    needs = ((_folder(), twin.work_mebibytes), (engine.disk_root(), twin.engine_mebibytes))
    for folder, need in needs:
        # A remote or rootless engine's folder is not here to be measured.
        if folder.is_dir() and (free := shutil.disk_usage(folder).free // MEBIBYTE) < need:
            raise UserError(
                f"the {twin.what} image needs {need} MiB free in {folder} while it is built, "
                f"and {free} MiB are",
                f"free some space (docker system df; df -h {folder}), "
                "then run: python -m images build",
            )


def _folder() -> Path:
    """Return the folder of the lock and the work folders, which is this user's alone.

    Not in /tmp or /var/tmp: others may write there, and they are often mounted noexec or nodev,
    where debootstrap refuses to work.
    """
    folder = paths.cache() / "images"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _work_folder(recipe: str) -> Iterator[Path]:
    """Yield an empty folder for a build, readable by its owner alone and gone afterwards."""
    folder = _folder() / f"work-{recipe}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _lock(say: engine.Say) -> Iterator[int]:
    """Hold this user's build lock. Its holder's death, with its children's, frees it."""
    STATE.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_folder() / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build of the images runs on this machine; waiting for it (up to 6 min)")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Whoever holds the lock is alone: what is there now was left by a killed build.
        for folder in _folder().glob("work-*"):
            shutil.rmtree(folder, ignore_errors=True)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Turn a plain kill into an exit that cleans up, as Ctrl-C does already."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
