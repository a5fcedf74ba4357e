"""A service that never becomes healthy: `up` ends early and says which and why, and tries again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from infra import versions
from infra.images import reference
from tests.stack.stack_under_test import PROJECT, Stack, docker, image_source

# Of `startTimeout`, as long as `up` would wait for a service that may still come.
START_SECONDS = 900.0
EARLY_SECONDS = 240.0


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="false", startTimeout=f"{START_SECONDS:g}")
    stack.up()
    yield stack
    stack.hub("down")


def database_with_a_broken_data_folder(stack: Stack) -> Iterator[None]:
    in_the_data_folder(stack, "mv global/pg_control away")
    docker("restart", stack.ids()["db"])
    try:
        yield
    finally:
        in_the_data_folder(stack, "mv away global/pg_control")


def pgadmin_with_a_wrong_setting(stack: Stack) -> Iterator[None]:
    yield from edited(stack, "infra/services/pgadmin.py", "str(PORT),", "'no port',")


def backend_that_raises_at_its_start(stack: Stack) -> Iterator[None]:
    yield from edited(stack, "app/main.py", "", "raise RuntimeError('broken on purpose')\n")


def edited(stack: Stack, name: str, old: str, new: str) -> Iterator[None]:
    file = stack.root / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        file.write_text(text)


def in_the_data_folder(stack: Stack, command: str) -> None:
    volume = f"--volume={PROJECT}-{stack.name}-pgdata:/data"
    image = reference(versions.PYTHON, image_source())
    docker("run", "--rm", "--workdir=/data", volume, image, "sh", "-c", command)


@pytest.mark.parametrize(
    ("role", "broken", "reason"),
    [
        ("db", database_with_a_broken_data_folder, "could not find the database system"),
        ("pgadmin", pgadmin_with_a_wrong_setting, "no port"),
        ("backend", backend_that_raises_at_its_start, "broken on purpose"),
    ],
)
def test_up_ends_early_names_the_service_shows_its_log_and_tries_again(
    stack: Stack, role: str, broken: Callable[[Stack], Iterator[None]], reason: str
) -> None:
    with contextmanager(broken)(stack):
        for _ in range(2):
            began = time.monotonic()
            said = stack.up(fails=True)
            took = time.monotonic() - began
            print(f"up with {broken.__name__} failed after {took:.0f} s")
            assert took < EARLY_SECONDS
            assert f"{role} ends again and again" in said, said
            assert reason in said.split("The end of its log")[-1]
    stack.up()
    assert set(stack.health().values()) == {"healthy"}
    assert stack.get("/health")[0] == 200
