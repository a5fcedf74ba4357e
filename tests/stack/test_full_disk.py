"""The disk of the database's volume is full: writes are refused, nothing is lost, and it passes.

The volume is a small one in memory. It lives for as long as somebody mounts it: a container of
the test's own does, and fills it.
"""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from infra import versions
from infra.images import reference
from tests.stack.kept import assert_intact, assert_kept
from tests.stack.load import DRAFT, UNLIMITED, load
from tests.stack.operations import follow
from tests.stack.stack_under_test import PROJECT, Stack, docker, eventually, image_source

SIZE = "192m"
FILLER = "/data/filler"


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    labels = {"project": PROJECT, "stack": stack.name, "role": "pgdata"}
    volume = f"{PROJECT}-{stack.name}-pgdata"
    docker(
        *("volume", "create", "--opt=type=tmpfs", "--opt=device=tmpfs", f"--opt=o=size={SIZE}"),
        *(f"--label={PROJECT}.{key}={value}" for key, value in labels.items()),
        volume,
    )
    docker(
        *("run", "--detach", f"--name={holder(stack)}", f"--volume={volume}:/data"),
        *(reference(versions.PYTHON, image_source()), "sleep", "infinity"),
    )
    try:
        stack.config(hotReload="true", **UNLIMITED)
        stack.up()
        yield stack
    finally:
        docker("rm", "--force", holder(stack))
    stack.hub("down")


def holder(stack: Stack) -> str:
    return f"disk-of-{stack.name}"


def in_the_volume(stack: Stack, command: str) -> str:
    return docker("exec", holder(stack), "sh", "-c", command)


def test_a_full_disk_refuses_writes_clearly_and_loses_nothing(stack: Stack) -> None:
    with load(stack.api_url) as seen:
        seen.goes_on()
        in_the_volume(stack, f"dd if=/dev/zero of={FILLER} bs=64k 2>/dev/null || true")
        eventually(lambda: seen.statuses["POST", 503] > 20)
        made = len(seen.tokens)
        # What needs no room is served: readers are not to be sent away.
        assert stack.get("/health")[0] == 200
        assert stack.get("/api/v1/entities")[0] == 200
        refused = httpx.post(f"{stack.api_url}/api/v1/drafts", json=json.loads(DRAFT))
        assert refused.json()["detail"] == "The database has no room left to write."
        in_the_volume(stack, f"rm {FILLER}")
        seen.goes_on()
    assert seen.failures == []
    assert set(seen.statuses) == {("GET", 200), ("POST", 201), ("POST", 503)}
    assert set(stack.health().values()) == {"healthy"}
    assert len(seen.tokens) > made
    assert_kept(stack, seen)
    assert_intact(stack)


def test_a_database_that_has_died_of_a_full_disk_says_so_and_comes_back_with_room(
    stack: Stack,
) -> None:
    with load(stack.api_url) as seen:
        seen.goes_on()
        in_the_volume(stack, f"dd if=/dev/zero of={FILLER} bs=64k 2>/dev/null || true")
        # No room for the write-ahead log: PostgreSQL ends itself, rather than to lose a commit.
        eventually(lambda: "connection" in postgres_switches_log(stack), seconds=60)
        eventually(lambda: stack.get("/health")[0] == 503)
        eventually(lambda: stack.health()["db"] != "healthy", seconds=60)
        assert "No space left on device" in docker("logs", "--tail=200", stack.ids()["db"])
        in_the_volume(stack, f"rm {FILLER}")
        seen.goes_on()
        failures = [
            line
            for line in docker("logs", stack.ids()["backend"]).splitlines()
            if '"level": "ERROR"' in line
        ]
        assert not {("GET", 500), ("POST", 500)} & set(seen.statuses), failures
    follow(stack, "The disk of the database is full")
    assert set(stack.health().values()) == {"healthy"}
    assert_kept(stack, seen)
    assert_intact(stack)
    stack.unchanged()


def postgres_switches_log(stack: Stack) -> str:
    """Have PostgreSQL begin a new file of its log; returns what it says to that."""
    return stack.psql("select pg_switch_wal()", role="postgres")
