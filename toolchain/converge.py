"""Clear up after a `pulumi` that was killed at whatever moment, before the next one runs.

Pulumi alone never gets out of that: the stack stays locked, and what the engine made while nobody
was left to write it into the state is in the way of every later `up`. So: the lock of a dead
update goes, its processes end, and what bears the stack's labels and is not in its state is shown
and removed. Volumes never are: the next `up` takes them over by their names.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from toolchain import console, locks, objects, pulumi, state, strays
from toolchain.console import UserError
from toolchain.objects import Object
from toolchain.state import State

# What the engine was told it finishes, also when whoever told it is dead. A network takes two
# seconds on an idle machine.
ENGINE_SECONDS = 10.0


def converge(stack: str) -> None:
    """Bring engine and state of the stack together; raises `UserError` while an update runs.

    A second update may start at any moment, here or in another shell. What it makes is safe: only
    what was there before Pulumi itself has held the stack's lock here is ever removed, and only
    if the state that was read afterwards does not know it.
    """
    locks.settle(stack)
    strays.end(pulumi.ROOT)
    before = state.read(stack)
    there = _when_the_engine_is_done(stack, before)
    unknown = before.unknown(there)
    if not unknown and not before.interrupted:
        return
    _refuse_to_take_over(stack, before, unknown)
    _clear_pending_operations(stack)
    known = state.read(stack)
    # A removal that was begun is finished: a container may be halfway down, and still look well.
    halfway = [one for one in there if one.kind == "container" and one.id in before.deleting]
    _remove([one for one in there if one in halfway or one in known.unknown(unknown)])


def _refuse_to_take_over(stack: str, before: State, unknown: Iterable[Object]) -> None:
    """Raise `UserError` for containers and networks that no update from this state has made.

    An update writes down what it is about to make before it makes it; an empty state made nothing.
    """
    if found := [
        str(one)
        for one in unknown
        if (before.empty and one.kind != "image") or one.owner not in ("", before.owner)
    ]:
        raise UserError(
            f"the engine holds a stack {stack} that is not in this clone's state:\n    "
            + "\n    ".join(found),
            "if it is another clone's, choose another name and other ports here (pulumi stack "
            "init NAME; pulumi config set ontology-hub:portOffset 100); if it is yours and its "
            "state was lost: make recover, which keeps the volumes",
        )


def _when_the_engine_is_done(stack: str, known: State) -> list[Object]:
    """Return what the engine holds once what a dead update has begun is through, or never comes."""
    age = (datetime.now(UTC) - known.written).total_seconds()
    deadline = time.monotonic() + ENGINE_SECONDS - max(age, 0.0)
    while True:
        there = objects.of(stack)
        coming = known.creating - {one.name for one in there}
        # Containers are not waited for: their removal is finished here, at the engine's pace.
        going = {one.id for one in there if one.kind == "network"} & known.deleting
        if not (coming or going) or time.monotonic() > deadline:
            return there
        time.sleep(0.25)


def _clear_pending_operations(stack: str) -> None:
    """Have Pulumi forget what was under way; it proves that no other update runs (the lock)."""
    console.step("an earlier update was cut short: comparing Pulumi's state with the engine")
    try:
        pulumi.capture(
            *("refresh", "--stack", stack, "--yes", "--skip-preview", "--non-interactive"),
            "--clear-pending-creates",
        )
    except UserError:
        locks.settle(stack)  # says it better, if another update was quicker
        raise


def _remove(leftovers: list[Object]) -> None:
    if not leftovers:
        return
    console.say("removing what that update left behind (volumes are kept):")
    for one in leftovers:
        console.say(f"    {one}")
    for line in objects.remove(leftovers):
        console.say(line)
