"""A process of the stack is killed with -9 under load, or removed in order: no draft is lost."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from infra import versions
from infra.images import reference
from tests.stack.kept import assert_intact, assert_kept
from tests.stack.load import UNLIMITED, load
from tests.stack.stack_under_test import Stack, docker, eventually, image_source


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="false", **UNLIMITED)
    stack.up()
    yield stack
    stack.hub("down")


def postmaster(stack: Stack) -> int:
    return main_process(stack, "db")


def server_process_of_a_client(stack: Stack) -> int:
    listed = docker("top", stack.ids()["db"], "-eo", "pid,args").splitlines()
    return int(next(line.split()[0] for line in listed if "postgres: ontology_app" in line))


def backend(stack: Stack) -> int:
    return main_process(stack, "backend")


def main_process(stack: Stack, role: str) -> int:
    return int(docker("inspect", "--format={{.State.Pid}}", stack.ids()[role]))


@pytest.mark.parametrize("process", [postmaster, server_process_of_a_client, backend])
def test_a_killed_process_comes_back_by_itself_with_every_acknowledged_draft(
    stack: Stack, process: Callable[[Stack], int]
) -> None:
    before = stack.ids()
    with load(stack.api_url) as seen:
        seen.goes_on()
        kill(process(stack))
        seen.goes_on()
    eventually(lambda: set(stack.health().values()) == {"healthy"}, seconds=60)
    assert not seen.statuses["POST", 500], seen.failed
    assert_kept(stack, seen)
    assert_intact(stack)
    assert stack.ids() == before
    stack.unchanged()


def kill(pid: int) -> None:
    """Kill a process of the engine's machine: `docker kill` would count as wanted, for good."""
    image = reference(versions.PYTHON, image_source())
    docker("run", "--rm", "--pid=host", image, "sh", "-c", f"kill -9 {pid}")


def test_a_database_that_up_replaces_shuts_down_clean_with_every_acknowledged_draft(
    stack: Stack,
) -> None:
    with load(stack.api_url) as seen:
        seen.goes_on()
        stack.config(databasePort="")
        with clean_shutdown(stack):
            stack.up()
        seen.goes_on()
    assert_kept(stack, seen)


def test_destroy_with_protected_data_keeps_every_acknowledged_draft(stack: Stack) -> None:
    stack.config(protectData="true")
    stack.up()
    with load(stack.api_url) as seen:
        seen.goes_on()
        with clean_shutdown(stack):
            stack.destroy()
    stack.up()
    assert_kept(stack, seen)
    assert_intact(stack)


def test_a_database_that_goes_with_its_data_shuts_down_clean_too(stack: Stack) -> None:
    stack.config(protectData="false")
    stack.up()
    with clean_shutdown(stack):
        stack.destroy()
    assert not any(stack.objects().values())


@contextmanager
def clean_shutdown(stack: Stack) -> Iterator[None]:
    """Assert that the database's container of now ends in the block, and with its data in order."""
    # Not what it has written before: its first start shuts a temporary server down.
    command = ["docker", "logs", "--follow", "--tail=0", stack.ids()["db"]]
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stderr=log) as follower:
        yield
        follower.wait(10)
        log.seek(0)
        assert "database system is shut down" in log.read()
