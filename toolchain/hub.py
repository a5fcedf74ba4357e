"""The everyday commands of the Makefile: `python -m toolchain.hub up|down|status|...`.

Runs inside the environment that `make setup` has prepared (`.hub/env`).
"""

import shutil
import sys
from collections.abc import Callable

from images import build
from infra import ontology, preflight
from infra.naming import Naming
from infra.problems import PROJECT, SettingsError
from infra.services.backend import UID
from infra.settings import StackSettings
from toolchain import backend, console, gitfilter, objects, processes, pulumi, view
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
    view.urls(stack)


def prepare(stack: str) -> None:
    """Do what an `up` needs once: stack created, decisions written down, images built.

    The settings are checked before: a wrong one should not cost the building of images.
    """
    pulumi.select(stack)
    settings = check(stack)
    if settings.hot_reload and not all(_others_may_read(name) for name in ("app", "migrations")):
        raise UserError(
            "app/ or migrations/ is not readable for other users; the backend, who mounts them, is",
            "chmod -R go+rX app migrations   (your umask makes it so: see umask)",
        )
    if decide(stack, settings)["imageSource"] == "local":
        build.run(console.say)


def check(stack: str) -> StackSettings:
    """Return the stack's settings; raises `UserError` with all that is wrong with them."""
    config = pulumi.config(stack)
    secrets = frozenset(key for key, value in config.items() if isinstance(value, dict))
    plain = {key: str(value) for key, value in config.items() if key not in secrets}
    try:
        settings = StackSettings.from_config(plain, frozenset(), stack)
        problems = [
            *preflight.taken_ports(settings, Naming(PROJECT, stack)),
            *ontology.problems(settings, UID),
        ]
        if problems:
            raise SettingsError(problems)
    except SettingsError as error:
        raise UserError(str(error), "the commands above, then the same make command") from None
    return settings


def _others_may_read(folder: str) -> bool:
    return all(
        path.stat().st_mode & (0o005 if path.is_dir() else 0o004)
        for path in (pulumi.ROOT / folder, *(pulumi.ROOT / folder).rglob("*"))
        if "__pycache__" not in path.parts
    )


def prepare_tests(stack: str) -> None:
    """Do what the tests need once: images, and Debian's registry for the real pull path."""
    prepare(stack)
    if shutil.which("docker-registry"):
        return
    if not processes.debian_root():
        raise UserError(
            "the tests of the pull path need docker-registry, and it is not on PATH",
            "sudo apt-get install docker-registry",
        )
    with console.progress("installing docker-registry with apt-get (some seconds)"):
        processes.apt_install("docker-registry")


def down(stack: str) -> None:
    """Remove everything that `up` made (volumes too, unless protectData is set)."""
    wanted = str(pulumi.config(stack).get("protectData", "false")).lower() == "true"
    deployed = pulumi.outputs(stack)
    if wanted and deployed and not deployed.get("data_protected"):
        raise UserError(
            "protectData is set but not deployed yet: this would remove the data",
            "make up, then make down",
        )
    converge(stack)
    # Without a refresh, which costs 2 s and tells nothing here: what is gone already is skipped.
    pulumi.run("destroy", "--stack", stack, "--yes", "--skip-preview", "--refresh=false")
    if kept := objects.volumes(stack):
        console.say(f"kept its volumes: {', '.join(kept)} (docker volume rm ... removes them)")


COMMANDS: dict[str, Callable[[str], None]] = {
    "up": up,
    "down": down,
    "images": prepare,
    "test-tools": prepare_tests,
    "status": view.status,
    "psql": view.psql,
    "passwords": view.passwords,
    "recover": recover,
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
