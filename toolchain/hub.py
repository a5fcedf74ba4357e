"""The everyday commands of the Makefile: `python -m toolchain.hub up|down|status|...`.

Runs inside the environment that `make setup` has prepared (`.hub/env`).
"""

import shutil
import sys

from images import build
from toolchain import console, gitfilter, processes, pulumi, view
from toolchain.console import UserError
from toolchain.decisions import decide
from toolchain.recover import recover


def up(stack: str) -> None:
    """Bring the stack up, and say where it is."""
    prepare(stack)
    console.step(f"deploying stack {stack} (about half a minute when the images are there)")
    pulumi.run("up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs")
    view.urls(stack)


def prepare(stack: str) -> None:
    """Do what an `up` needs once: decisions written down, images built."""
    if decide(stack)["imageSource"] == "local":
        build.run(console.say)


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
    pulumi.run("destroy", "--stack", stack, "--yes", "--skip-preview")


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    command, *rest = arguments
    try:
        gitfilter.install()
        stack = pulumi.select_stack()
        match command:
            case "up":
                up(stack)
            case "down":
                down(stack)
            case "images":
                prepare(stack)
            case "test-tools":
                prepare_tests(stack)
            case "status":
                view.status(stack)
            case "logs":
                view.logs(stack, rest[0] if rest else None)
            case "psql":
                view.psql(stack)
            case "recover":
                recover(stack)
            case _:
                raise UserError(f"no such command: {command}", "make help")
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
