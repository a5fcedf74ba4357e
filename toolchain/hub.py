"""The everyday commands of the Makefile: `python -m toolchain.hub up|down|status|...`.

Runs inside the environment that `make setup` has prepared (`.hub/env`).
"""

import shutil
import sys
from collections.abc import Callable

from images import build
from infra import checks, preflight
from infra.naming import Naming
from infra.problems import PROJECT, SettingsError
from infra.settings import StackSettings
from toolchain import (
    backend,
    backups,
    console,
    database,
    gitfilter,
    objects,
    processes,
    pulumi,
    reach,
    restore,
    settings,
    view,
)
from toolchain.console import UserError
from toolchain.converge import converge
from toolchain.decisions import decide
from toolchain.recover import recover


def up(stack: str) -> None:
    """Bring the stack up, and say where it is."""
    prepare(stack)
    converge(stack)
    console.step(f"deploying stack {stack} (half a minute; more where images are to be pulled)")
    pulumi.run("up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs")
    reach.urls(stack)


def prepare(stack: str) -> None:
    """Do what an `up` needs once: stack created, decisions written down, images built.

    The settings are checked before: a wrong one should not cost the building of images.
    """
    pulumi.select(stack)
    chosen = check(stack)
    if chosen.hot_reload and not all(_others_may_read(name) for name in ("app", "migrations")):
        raise UserError(
            "app/ or migrations/ is not readable for other users; the backend, who mounts them, is",
            "chmod -R go+rX app migrations   (your umask makes it so: see umask)",
        )
    if decide(stack, chosen)["imageSource"] == "local":
        build.run(console.say)


def check(stack: str) -> StackSettings:
    """Return the stack's settings; raises `UserError` with all that is wrong with them."""
    chosen = settings.read(stack)
    if chosen.backup_schedule:
        backups.folder(stack, chosen)
    problems = checks.problems(chosen, Naming(PROJECT, stack))
    if problems:
        raise UserError(str(SettingsError(problems)), settings.MEND)
    if refusal := preflight.foreign_volume(Naming(PROJECT, stack)):
        raise UserError(refusal, "the commands above")
    return chosen


def _others_may_read(folder: str) -> bool:
    return all(
        path.stat().st_mode & (0o005 if path.is_dir() else 0o004)
        for path in (pulumi.ROOT / folder, *(pulumi.ROOT / folder).rglob("*"))
        if "__pycache__" not in path.parts
    )


# Debian packages, each with a program of its own name, and the tests that need it.
_TEST_TOOLS = {"docker-registry": "the pull path", "chromium": "the pages"}


def prepare_tests(stack: str) -> None:
    """Do what the tests need once: images, Debian's registry and its browser."""
    prepare(stack)
    missing = [name for name in _TEST_TOOLS if not shutil.which(name)]
    if not missing:
        return
    if not processes.debian_root():
        needs = " and ".join(f"of {_TEST_TOOLS[name]} need {name}" for name in missing)
        raise UserError(
            f"the tests {needs}, which PATH does not have",
            f"sudo apt-get install {' '.join(missing)}",
        )
    with console.progress(f"installing {' and '.join(missing)} with apt-get (up to a minute)"):
        processes.apt_install(*missing)


def down(stack: str) -> None:
    """Remove everything that `up` made (volumes too, unless protectData is set)."""
    default = StackSettings.model_fields["protect_data"].default
    wanted = str(pulumi.config(stack).get("protectData", default)).lower() == "true"
    deployed = pulumi.outputs(stack)
    if wanted and deployed and not deployed.get("data_protected"):
        raise UserError(
            "protectData is set but not deployed yet: this would remove the data",
            "make up, then make down; or, if the data is to go: pulumi config set "
            "ontology-hub:protectData false, then make down",
        )
    converge(stack)
    # Without a refresh, which costs 2 s and tells nothing here: what is gone already is skipped.
    pulumi.run("destroy", "--stack", stack, "--yes", "--skip-preview", "--refresh=false")
    if kept := objects.volumes(stack):
        console.say(f"kept its volumes: {', '.join(kept)} (docker volume rm ... removes them)")


def put_back(stack: str, name: str = "", force: str = "") -> None:
    """Restore a dump into the stack, which is brought up first if its database does not run."""
    file = restore.found(stack, name, force == "1")
    prepare(stack)
    chosen = settings.read(stack)
    dump = restore.checked(file, chosen)
    if not database.runs(stack):
        _up_as_far_as_the_database(stack)
    before = restore.replace(stack, dump, chosen, force == "1")
    up(stack)
    restore.report(before, restore.counts(stack))


def _up_as_far_as_the_database(stack: str) -> None:
    """Bring the stack up; what fails beyond the database may be what the restore is to mend."""
    try:
        up(stack)
    except UserError as error:
        if not database.runs(stack):
            raise
        console.fail(error)
        console.say("but the database runs: going on with the restore")


COMMANDS: dict[str, Callable[[str], None]] = {
    "up": up,
    "down": down,
    "images": prepare,
    "test-tools": prepare_tests,
    "status": view.status,
    "psql": view.psql,
    "open": reach.open_hub,
    "recover": recover,
    "backup": backups.backup,
}


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    command, *rest = arguments
    try:
        gitfilter.install()
        backend.mend()
        stack = pulumi.stack_name()
        if command == "logs":
            view.logs(stack, rest[0] if rest else None)
        elif command == "restore":
            put_back(stack, *rest)
        else:
            COMMANDS[command](stack)
    except UserError as error:
        console.fail(error)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        gitfilter.settle()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
