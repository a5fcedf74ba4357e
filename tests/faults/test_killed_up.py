"""`make up` and `make down` get over a pulumi that was killed at any event of its engine.

KILLS=all kills at every event (about two hours); else at KILLS (8) of each test's, by SEED.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest

import pytest

from tests.faults import killed_pulumi
from tests.faults.killed_pulumi import Kill, assert_sound, chosen, on_the_engine
from tests.stack import stack_under_test
from tests.stack.stack_under_test import Stack

ROW = "select label from modules where module_id = 'kept'"
SECRETS = ("postgresPassword", "ownerPassword", "appPassword", "readPassword", "pgadminPassword")


@pytest.fixture
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    before = stack_under_test.on_the_engine()
    stack = new_stack()
    yield stack
    stack.config(protectData="false")
    stack.hub("up")
    stack.hub("down")
    assert stack_under_test.on_the_engine() == before


def test_a_killed_up_and_a_killed_destroy_are_got_over_and_no_data_is_lost(stack: Stack) -> None:
    stack.config(hotReload="true", protectData="true")
    creations = killed_pulumi.run(stack, "up")
    stack.psql("insert into modules (module_id, label) values ('kept', 'Kept')")
    removals = killed_pulumi.run(stack, "destroy")
    assert len(creations) > 50
    assert len(removals) > 50
    pairs = zip_longest(chosen(creations), chosen(removals))
    for number, (creation, removal) in enumerate(pairs):
        _kill(stack, "up", creation)
        stack.hub("up")
        _assert_sound_with_data(stack)
        _kill(stack, "destroy", removal)
        if number % 2:
            stack.hub("up")
            _assert_sound_with_data(stack)
        stack.hub("down")
        left = on_the_engine(stack)
        assert left.pop("Volume") == [f"ontology-hub-{stack.name}-pgdata"]
        assert not any(left.values()), left


def test_a_killed_replacing_update_is_got_over_and_no_data_is_lost(stack: Stack) -> None:
    stack.config(hotReload="false")
    stack.up()
    stack.psql("insert into modules (module_id, label) values ('kept', 'Kept')")
    _change_everything(stack)
    points = killed_pulumi.run(stack, "up")
    assert len(points) > 40
    assert any(point.resource == "RemoteImage backend-image" for point in points)
    for kill in chosen(points):
        _change_everything(stack)
        _kill(stack, "up", kill)
        stack.hub("up")
        _assert_sound_with_data(stack)


def _change_everything(stack: Stack) -> None:
    """Change the backend's code and all passwords: all containers and the image are replaced."""
    main = stack.root / "app" / "main.py"
    main.write_text(f"{main.read_text()}\n# {secrets.token_hex(8)}\n")
    for key in SECRETS:
        value = secrets.token_urlsafe(24)
        stack.pulumi("config", "set", "--secret", f"ontology-hub:{key}", "--", value)


def _kill(stack: Stack, command: str, kill: Kill | None) -> None:
    if kill is None:
        return
    print(f"{time.strftime('%H:%M:%S')} killing {command} {kill}", flush=True)
    killed_pulumi.run(stack, command, kill)


def _assert_sound_with_data(stack: Stack) -> None:
    assert_sound(stack)
    assert stack.psql(ROW) == "Kept"
