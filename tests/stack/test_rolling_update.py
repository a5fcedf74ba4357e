"""A baked backend is replaced, fails and is killed under load, and no client notices."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.load import UNLIMITED, load, missing
from tests.stack.stack_under_test import PROJECT, Stack, docker, eventually


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="false", startTimeout="40", **UNLIMITED)
    stack.up()
    yield stack
    stack.destroy()
    assert not any(stack.objects().values())


def backends(stack: Stack) -> list[str]:
    """Return the names of the stack's backends, running or not."""
    label = f"--filter=label={PROJECT}.stack={stack.name}"
    role = f"--filter=label={PROJECT}.role=backend"
    return docker("ps", "--all", label, role, "--format={{.Names}}").split()


def edit(stack: Stack, name: str, old: str, new: str) -> None:
    """Replace `old`, which must be there, in a file of the stack's work tree."""
    file: Path = stack.root / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_two_updates_under_load_drop_no_request_and_no_draft(stack: Stack) -> None:
    first = backends(stack)
    with load(stack.api_url) as seen:
        edit(stack, "app/main.py", '"""The application', '"""The edited application')
        stack.up()
        second = backends(stack)
        edit(stack, "app/main.py", "The edited application", "The application, edited again")
        stack.up()
    assert seen.failed == []
    assert len(seen.tokens) > 100
    assert missing(seen) == []
    third = backends(stack)
    assert [len(names) for names in (first, second, third)] == [1, 1, 1]
    assert len({*first, *second, *third}) == 3
    # That none failed is chance for a part, if the proxy did not know before that one would go.
    log = docker("logs", stack.container("proxy"))
    assert len(re.findall(r"Server ready/\w+ is stopping, .* code: 404", log)) == 2
    stack.unchanged()


def test_a_changed_secret_drops_no_request_either(stack: Stack) -> None:
    """Its file comes by a courier, with which Pulumi could remove the backend first."""
    before = backends(stack)
    with load(stack.api_url) as seen:
        stack.pulumi("config", "set", "--secret", f"{PROJECT}:adminSecret", "a-new-admin-secret")
        stack.up()
    assert seen.failed == []
    assert missing(seen) == []
    assert len(backends(stack)) == 1
    assert backends(stack) != before
    stack.unchanged()


def test_a_backend_that_never_gets_ready_fails_up_twice_while_the_old_one_serves(
    stack: Stack,
) -> None:
    (serving,) = backends(stack)
    ready = "if await probe.connected():"
    with load(stack.api_url) as seen:
        edit(stack, "app/main.py", '"""The application', 'raise ValueError("not today")\n"""The')
        said = stack.up(fails=True)
        assert "backend ends again and again" in said
        assert "ValueError: not today" in said
        assert serving in backends(stack)
        edit(stack, "app/main.py", 'raise ValueError("not today")\n"""The', '"""The application')
        edit(stack, "app/api/health.py", ready, "if False:")
        said = stack.up(fails=True)
        assert "backend is " in said
        assert serving in backends(stack)
        edit(stack, "app/api/health.py", "if False:", ready)
        stack.up()
    assert seen.failed == []
    assert missing(seen) == []
    assert len(backends(stack)) == 1
    stack.unchanged()


def test_a_killed_backend_comes_back_and_fails_only_what_it_was_writing(stack: Stack) -> None:
    with load(stack.api_url) as seen:
        time.sleep(2)
        os.kill(stack.inspect("backend")["State"]["Pid"], signal.SIGKILL)
        eventually(lambda: stack.inspect("backend")["RestartCount"] == 1)
        eventually(lambda: stack.health()["backend"] == "healthy")
        time.sleep(2)
    # A POST that a backend may have taken is not sent again; three clients send them.
    assert set(seen.statuses) <= {("GET", 200), ("POST", 201), ("POST", 502)}
    assert seen.statuses["POST", 502] <= 3
    assert seen.failures == []
    assert missing(seen) == []


def test_hot_reload_is_switched_on_and_off_in_one_update_each(stack: Stack) -> None:
    stack.config(hotReload="true")
    stack.up()
    assert "proxy" not in stack.ids()
    assert backends(stack) == [stack.container("backend")]
    assert stack.get("/health")[0] == 200
    stack.unchanged()
    stack.config(hotReload="false")
    stack.up()
    assert len(backends(stack)) == 1
    assert backends(stack) != [stack.container("backend")]
    assert stack.health()["proxy"] == "healthy"
    assert stack.get("/health")[0] == 200
    stack.unchanged()
