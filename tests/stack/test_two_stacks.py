"""Two stacks of one clone, side by side on one engine."""

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

import pytest

from tests.stack.stack_under_test import PROJECT, SERVICES, Stack, docker, free_offset, remove

TABLE = "create table mine as select 1 as one"


@pytest.fixture(scope="module")
def alice(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.env["PULUMI_STACK"] = stack.name  # which of the two is selected changes
    stack.config(hotReload="true")
    yield stack
    stack.hub("down")
    assert not any(stack.objects().values())


@pytest.fixture(scope="module")
def bob(alice: Stack) -> Iterator[Stack]:
    """Made as the README says: `pulumi stack init`, another `portOffset`."""
    name = f"{alice.name}-bob"
    env = {**alice.env, "STACK": name, "PULUMI_STACK": name}
    stack = dataclasses.replace(alice, name=name, offset=free_offset(), env=env)
    stack.pulumi("stack", "init", name)
    stack.config(portOffset=str(stack.offset))
    for key in ("imageSource", "grafana", "databasePort", "hotReload", "protectData"):
        stack.config(**{key: alice.pulumi("config", "get", f"{PROJECT}:{key}").strip()})
    yield stack
    stack.hub("down")
    assert not any(stack.objects().values())
    remove(stack)


def names(stack: Stack) -> set[str]:
    label = f"--filter=label={PROJECT}.stack={stack.name}"
    return {
        *docker("ps", "--all", label, "--format={{.Names}}").split(),
        *docker("network", "ls", label, "--format={{.Name}}").split(),
        *docker("volume", "ls", label, "--format={{.Name}}").split(),
    }


def refused(stack: Stack, password: str) -> bool:
    """Tell whether the owner's `password` is refused by the stack's database, asked over TCP."""
    host = stack.inspect("db")["NetworkSettings"]["Networks"][stack.container("data")]["IPAddress"]
    said = docker(
        *("exec", "--env", f"PGPASSWORD={password}", stack.container("db")),
        *("psql", f"--host={host}", "--username=ontology", "--command=select 1", "ontology_hub"),
        check=False,
    )
    return "password authentication failed" in said


def test_two_stacks_that_go_up_at_once_have_nothing_in_common(alice: Stack, bob: Stack) -> None:
    both = [threading.Thread(target=stack.hub, args=["up"]) for stack in (alice, bob)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    for stack, other in ((alice, bob), (bob, alice)):
        assert stack.health() == dict.fromkeys(SERVICES, "healthy")
        assert json.loads(stack.get("/health")[1])["status"] == "healthy"
        assert not names(stack) & names(other)
        password = unquote(urlsplit(stack.outputs()["database_url"]).password or "")
        assert not refused(stack, password)
        assert refused(other, password)
    assert alice.outputs()["pgadmin_password"] != bob.outputs()["pgadmin_password"]


def test_what_is_done_to_one_does_not_touch_the_other(alice: Stack, bob: Stack) -> None:
    bob.psql(TABLE)
    before = bob.ids()
    alice.config(debug="true", draftsPerHour="7")
    alice.hub("up")
    assert bob.ids() == before
    assert "does not exist" in alice.psql("select one from mine")
    bob.unchanged()


def test_destroying_one_leaves_the_other_and_the_images_they_share(
    alice: Stack, bob: Stack
) -> None:
    before = bob.ids()
    shared = {bob.inspect(role)["Image"] for role in ("db", "pgadmin")}
    assert shared == {alice.inspect(role)["Image"] for role in ("db", "pgadmin")}
    alice.hub("down")
    assert not any(alice.objects().values())
    assert bob.ids() == before
    assert bob.health() == dict.fromkeys(SERVICES, "healthy")
    assert bob.get("/health")[0] == 200
    assert bob.psql("select one from mine") == "1"
    present = docker("images", "--quiet", "--no-trunc").split()
    assert shared <= set(present)
    bob.unchanged()
