"""`python -m bench`: measure this stack side by side with docker compose."""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import compose_program, measure, signals, timeline
from bench.compose_program import Compose
from bench.sides import (
    ComposeSide,
    PulumiSide,
    check_down,
    check_same,
    check_up,
    compose_services,
    new_stack,
    pulumi_services,
)
from tests.stack.stack_under_test import docker, remove
from toolchain import console, versions
from toolchain.console import UserError

ROUNDS = 5


def main() -> int:
    """Run the command line; returns 0 unless something is broken, however slow."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help=f"how often each side goes up and down ({ROUNDS})",
    )
    parser.add_argument(
        "--timeline", action="store_true", help="show where the time of one round goes instead"
    )
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds must be 1 or more, not {arguments.rounds}")
    signals.stop_in_order()
    try:
        if not shutil.which("pulumi"):
            raise UserError("pulumi is not on PATH here", "make bench")
        load = os.getloadavg()[0]
        compose = compose_program.find()
        with sides(compose) as (pulumi, other, url):
            if arguments.timeline:
                timeline.show(pulumi, other, console.say)
            else:
                console.step(f"measuring {arguments.rounds} rounds, about 2 min each")
                found = measure.measure(pulumi, other, url, arguments.rounds, console.say)
                console.say(_report(found, arguments.rounds, compose, load))
    except UserError as error:
        console.fail(error)
        return 1
    except KeyboardInterrupt:
        console.say("stopped; nothing is left on the engine")
        return 130
    return 0


@contextmanager
def sides(compose: Compose) -> Iterator[tuple[PulumiSide, ComposeSide, str]]:
    """Give both sides, each tried once and taken down, and the backend's URL.

    The trial makes the images and fills the caches, so that the first round is like the others.
    """
    with ExitStack() as cleanup:
        folder = Path(tempfile.mkdtemp(prefix="ontology-hub-bench-"))
        cleanup.callback(shutil.rmtree, folder)
        for name in ("project", "compose"):
            (folder / name).mkdir()
        stack = new_stack(folder / "project")
        cleanup.callback(remove, stack)
        cleanup.callback(console.say, "removing what is left of the benchmark's containers")
        pulumi = PulumiSide(stack)
        other = ComposeSide(
            compose, folder / "compose", f"ontology-hub-bench-{secrets.token_hex(3)}"
        )
        cleanup.callback(other.forget_images)
        url = f"http://127.0.0.1:{8000 + stack.offset}"

        console.step("deploying both once, to make the images and to see that both run the same")
        pulumi.up()
        check_up(pulumi, url)
        services = pulumi_services(pulumi)
        other.prepare(pulumi)
        pulumi.down()
        check_down(pulumi, set())
        cleanup.callback(other.kill)
        other.up()
        check_up(other, url)
        check_same(services, compose_services(other))
        other.down()
        check_down(other, set())
        yield pulumi, other, url


def _report(found: measure.Measured, rounds: int, compose: Compose, load: float) -> str:
    engine = docker("version", "--format={{.Server.Version}}").strip()
    return (
        f"\n{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load average {load:.1f} at the "
        f"start; Docker Engine {engine}, Pulumi {versions.PULUMI}, docker compose "
        f"{compose.version}; medians of {rounds} rounds (least to most):\n\n{found.table()}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
