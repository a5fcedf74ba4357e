"""Makes stacks for the tests and removes them."""

import os
import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.stack.stack_under_test import Stack, copy_of_the_project, free_offset, remove


@pytest.fixture(scope="module")
def new_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Stack]]:
    """Return a maker of stacks; each is destroyed, and its leavings removed, at the end."""
    made: list[Stack] = []

    def make() -> Stack:
        root = tmp_path_factory.mktemp("project")
        copy_of_the_project(root)
        name = f"test-{secrets.token_hex(3)}"
        passphrase = root / ".hub" / "passphrase"
        passphrase.write_text(secrets.token_urlsafe(24))
        state = root / ".hub" / "state"
        state.mkdir()
        env = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            "STACK": name,
        }
        env.pop("PULUMI_CONFIG_PASSPHRASE", None)  # it would win over the file
        stack = Stack(root=root, name=name, offset=free_offset(), env=env)
        made.append(stack)
        stack.pulumi("stack", "init", name)
        stack.config(
            portOffset=str(stack.offset),
            imageSource=os.environ.get("IMAGE_SOURCE", "local"),
            grafana="false",
            protectData="false",
            databasePort="5432",
        )
        return stack

    yield make
    for stack in made:
        remove(stack)
