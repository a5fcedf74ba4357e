"""`make up` and `make down` get over a pulumi that was killed at any event of its engine.

KILLS=all kills at every event (about two hours); else at KILLS (8) of each test's, by SEED.
"""

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest

import pytest

from tests.faults import killed_pulumi
from tests.faults.killed_pulumi import Kill, Point, assert_sound, chosen
from tests.stack.stack_under_test import Stack

ROW = "select label from modules where module_id = 'kept'"
LOCKED = "the stack is currently locked by"
ROUNDS_OF_TWO = 3
SECRETS = ("postgresPassword", "ownerPassword", "appPassword", "readPassword", "pgadminPassword")


@pytest.fixture
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    yield stack
    stack.config(protectData="false")
    stack.hub("up")
    stack.hub("down")
    # Of this stack alone: in the hours that this may take, others may use the engine.
    assert not any(stack.objects().values())


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
        if number % 4 == 3:
            stack.hub("down")
            left = stack.objects()
            assert not [kind for kind in left if left[kind] and kind != "Volume"], left
        stack.hub("up")
        _assert_sound_with_data(stack)
        _kill(stack, "destroy", removal)
        if number % 2:
            stack.hub("up")
            _assert_sound_with_data(stack)
        stack.hub("down")
        left = stack.objects()
        assert left.pop("Volume") == [f"ontology-hub-{stack.name}-pgdata"]
        assert not any(left.values()), left


def test_a_killed_replacing_update_is_got_over_and_no_data_is_lost(stack: Stack) -> None:
    points = _points_of_a_replacing_update(stack)
    assert len(points) > 40
    assert any(point.resource == "RemoteImage backend-image" for point in points)
    for kill in chosen(points):
        _change_everything(stack)
        _kill(stack, "up", kill)
        stack.hub("up")
        _assert_sound_with_data(stack)


def test_of_two_that_heal_at_once_none_harms_the_other(stack: Stack) -> None:
    points = _points_of_a_replacing_update(stack)
    for kill in chosen(points)[:ROUNDS_OF_TWO]:
        _change_everything(stack)
        _kill(stack, "up", kill)
        both = [_start_make_up(stack) for _ in range(2)]
        for process in both:
            said, _ = process.communicate(timeout=600)
            # Each may be refused: Pulumi's own locks may refuse two that come at the same moment.
            assert process.returncode == 0 or "is running: pulumi" in said or LOCKED in said, said
        stack.hub("up")
        _assert_sound_with_data(stack)


def _points_of_a_replacing_update(stack: Stack) -> list[Point]:
    stack.config(hotReload="false")
    _change_everything(stack)  # generated passwords would go with the first change, and only then
    stack.up()
    stack.psql("insert into modules (module_id, label) values ('kept', 'Kept')")
    _change_everything(stack)
    return killed_pulumi.run(stack, "up")


def _start_make_up(stack: Stack) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "toolchain.hub", "up"],
        cwd=stack.root,
        env=stack.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


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
