"""What was changed by hand is put back by the next `up`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra import versions
from infra.images import reference
from tests.stack.stack_under_test import PROJECT, SERVICES, Stack, docker, image_source

LIMITS = ("Memory", "MemorySwap", "NanoCpus", "CpuShares", "PidsLimit", "RestartPolicy")
IMAGE = reference(versions.PYTHON, image_source())


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="true")
    stack.up()
    yield stack
    stack.hub("down")


@pytest.fixture
def network(stack: Stack) -> Iterator[str]:
    """Make a network that the stack does not know."""
    name = f"by-hand-{stack.name}"
    docker("network", "create", name)
    yield name
    docker("network", "rm", name)


def services(stack: Stack) -> dict[str, Any]:
    """Return the name, limits and networks of each service, as the engine has them."""
    found = {}
    for role in SERVICES:
        inspected = stack.inspect(role)
        found[role] = {
            "name": inspected["Name"],
            "limits": {key: inspected["HostConfig"][key] for key in LIMITS},
            "networks": {
                # Among the aliases is the container's id.
                name: set(one["Aliases"]) - {inspected["Id"][:12]}
                for name, one in inspected["NetworkSettings"]["Networks"].items()
            },
        }
    return found


def test_limits_and_restart_policies(stack: Stack) -> None:
    before = services(stack)
    docker("update", "--memory=300m", "--memory-swap=300m", stack.ids()["backend"])
    docker("update", "--pids-limit=1000", stack.ids()["backend"])
    docker("update", "--restart=no", stack.ids()["db"])
    docker("update", "--cpus=0.5", "--cpu-shares=100", stack.ids()["pgadmin"])
    assert services(stack) != before
    stack.up()
    assert services(stack) == before


def test_networks(stack: Stack, network: str) -> None:
    before = services(stack)
    data = f"{PROJECT}-{stack.name}-data"
    docker("network", "disconnect", data, stack.ids()["backend"])
    # Back, but without its name there: nobody finds the database any more.
    docker("network", "disconnect", data, stack.ids()["db"])
    docker("network", "connect", data, stack.ids()["db"])
    docker("network", "connect", network, stack.ids()["pgadmin"])
    stack.up()
    assert services(stack) == before
    assert stack.get("/health")[0] == 200


def test_names(stack: Stack) -> None:
    before = services(stack)
    docker("rename", stack.ids()["db"], f"renamed-{stack.name}")
    stack.up()
    assert services(stack) == before


def test_a_container_of_ones_own_under_a_services_name_is_left_alone_and_named(
    stack: Stack,
) -> None:
    name = stack.container("pgadmin")
    docker("rm", "--force", name)
    docker("run", "--detach", f"--name={name}", IMAGE, "sleep", "600")
    said = stack.up(fails=True)
    assert f'The container name "/{name}" is already in use' in said
    docker("rm", "--force", name)
    stack.up()
    assert services(stack)["pgadmin"]["limits"]["Memory"] > 0


def test_files_are_delivered_anew_when_their_courier_is_removed(stack: Stack) -> None:
    """The documented way: `up` does not look into volumes."""
    secret = ("exec", stack.ids()["backend"], "sha256sum", "/run/secrets/app_password")
    before = docker(*secret)
    volume = f"--volume={stack.files_volume('backend')}:/files"
    spoil = "echo wrong > /files/app_password"
    docker("run", "--rm", volume, IMAGE, "sh", "-c", spoil)
    assert docker(*secret) != before
    docker("rm", stack.ids()["backend-files"])
    stack.up()
    assert docker("exec", stack.ids()["backend"], *secret[2:]) == before
    stack.unchanged()
