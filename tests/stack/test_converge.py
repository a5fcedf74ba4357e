"""What `make up` clears up before it deploys, and what it never touches.

That it gets over a pulumi that was killed anywhere is tested in tests/faults.
"""

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import versions
from infra.images import reference
from tests.stack.stack_under_test import (
    PROJECT,
    Stack,
    docker,
    eventually,
    free_offset,
    image_source,
)

IMAGE = reference(versions.PYTHON, image_source())


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="true")
    stack.up()
    yield stack
    stack.hub("down")
    assert not any(stack.objects().values())


def labels(stack_name: str, role: str | None = None) -> list[str]:
    """Return the options that put a stack's labels on what docker creates."""
    values = [f"{PROJECT}.project={PROJECT}", f"{PROJECT}.stack={stack_name}"]
    return [
        f"--label={value}" for value in [*values, *([f"{PROJECT}.role={role}"] if role else [])]
    ]


@pytest.fixture
def stray(stack: Stack) -> Iterator[str]:
    """Make a container that the stack's state does not know; returns its name."""
    name = f"{stack.container('stray')}"
    docker("create", f"--name={name}", *labels(stack.name, "stray"), IMAGE)
    yield name
    docker("rm", "--force", name, check=False)


def exists(kind: str, name: str) -> bool:
    return docker(kind, "inspect", name, check=False).startswith("[\n    {")


def test_what_the_state_does_not_know_is_shown_and_removed(stack: Stack, stray: str) -> None:
    running, network = stack.container("running"), f"{PROJECT}-{stack.name}-again"
    image = f"{stack.container('backend')}:left"
    docker("network", "create", *labels(stack.name), network)
    docker(
        *("run", "--detach", f"--name={running}", f"--network={network}", "--stop-signal=KILL"),
        *(*labels(stack.name, "running"), IMAGE, "sleep", "600"),
    )
    _build(image, stack.name)
    before = stack.ids()
    said = stack.hub("up")
    for kind, name in (
        *(("container", stray), ("container", running)),
        *(("network", network), ("image", image)),
    ):
        assert f"    {kind} {name} (" in said
        assert not exists(kind, name)
    assert stack.ids() == {
        role: before[role] for role in before if role not in ("stray", "running")
    }
    stack.unchanged()


def test_volumes_another_stacks_things_and_what_was_made_by_hand_are_left_alone(
    stack: Stack, stray: str
) -> None:
    other = f"{stack.name}-other"
    volume, neighbour = f"{PROJECT}-{stack.name}-old", f"{PROJECT}-{other}-db"
    by_hand, tag = f"by-hand-{stack.name}", f"by-hand:{stack.name}"
    docker("volume", "create", *labels(stack.name, "old"), volume)
    docker("network", "create", *labels(other), f"{PROJECT}-{other}")
    docker("create", f"--name={neighbour}", *labels(other, "db"), IMAGE)
    # It inherits the labels of the image, but has no role in the stack.
    docker("create", f"--name={by_hand}", stack.inspect("backend")["Image"])
    docker("tag", stack.inspect("backend")["Image"], tag)
    kept = (
        *(("volume", volume), ("network", f"{PROJECT}-{other}"), ("container", neighbour)),
        *(("container", by_hand), ("image", tag)),
    )
    try:
        stack.hub("up")
        assert not exists("container", stray)
        assert [name for kind, name in kept if not exists(kind, name)] == []
    finally:
        docker("rm", by_hand, neighbour, check=False)
        docker("rmi", tag, check=False)
        docker("network", "rm", f"{PROJECT}-{other}", check=False)
        docker("volume", "rm", volume, check=False)


def test_while_an_update_runs_a_second_one_is_refused_and_removes_nothing(
    stack: Stack, stray: str
) -> None:
    with subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview"],
        cwd=stack.root,
        env=stack.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as first:
        try:
            eventually(lambda: bool(_locks(stack)))
            first.send_signal(signal.SIGSTOP)  # it runs for as long as the test wants
            for command in ("up", "down", "recover"):
                said = stack.hub(command, fails=True)
                assert f"another update of stack {stack.name} is running: pulumi" in said
                assert f"process {first.pid} of " in said
                assert exists("container", stray)
        finally:
            first.send_signal(signal.SIGCONT)
        assert first.wait() == 0
    assert exists("container", stray)


def test_another_clones_stack_of_the_same_name_is_not_taken_over(
    stack: Stack, new_stack: Callable[[], Stack]
) -> None:
    clone = new_stack()
    clone.name = stack.name
    clone.env["STACK"] = stack.name
    clone.pulumi("stack", "init", stack.name)
    clone.config(imageSource=image_source(), grafana="false")
    clone.config(portOffset=str(clone.offset))
    before = stack.ids()
    for command in ("up", "down"):
        said = clone.hub(command, fails=True)
        assert f"holds a stack {stack.name} that is not in this clone's state" in said
        assert stack.container("db") in said
        assert "make recover" in said
    # Plain pulumi asks nobody; and what it has written down by then must not make it theirs.
    said = clone.up(fails=True)
    assert f"holds a stack {stack.name} of another clone or state" in said
    assert "Traceback" not in said
    for command in ("up", "down"):
        assert "is not in this clone's state" in clone.hub(command, fails=True)
    assert stack.ids() == before
    assert stack.get("/health")[0] == 200
    clone.destroy()
    assert stack.ids() == before
    stack.unchanged()


def test_a_renamed_stack_is_not_made_anew(stack: Stack) -> None:
    before, name = stack.ids(), f"{stack.name}-2"
    stack.pulumi("stack", "rename", name)
    stack.config(portOffset=str(free_offset()))  # else the old containers' ports are in the way
    try:
        said = stack.up(fails=True)
        assert f"this stack was deployed as {stack.name} and is called {name} now" in said
        assert f"pulumi stack rename {stack.name}" in said
        assert "Traceback" not in said
    finally:
        stack.pulumi("stack", "rename", stack.name)
        stack.config(portOffset=str(stack.offset))
    assert stack.ids() == before
    stack.unchanged()


def test_a_state_that_pulumi_cannot_read_after_a_kill_is_read_again(stack: Stack) -> None:
    """Pulumi writes the file beside its state in two steps, and reads nothing if it is empty."""
    (beside,) = (stack.root / ".hub/state").rglob(f"{stack.name}.json.attrs")
    beside.write_text("")
    assert "failed to load checkpoint: EOF" in stack.pulumi("stack", "export", fails=True)
    assert "(healthy)" in stack.hub("status")
    stack.unchanged()


def _locks(stack: Stack) -> list[Path]:
    return list((stack.root / ".hub/state/.pulumi/locks").rglob("*.json"))


def _build(image: str, stack_name: str) -> None:
    subprocess.run(
        ["docker", "build", "--quiet", f"--tag={image}", *labels(stack_name), "-"],
        input=f"FROM {IMAGE}\nENV LEFT=1\n",
        text=True,
        check=True,
        capture_output=True,
    )
