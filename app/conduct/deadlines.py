"""When a request has taken too long."""

import time
from typing import Protocol

from app.conduct.later import Later


class Cuttable(Protocol):
    """What can be ended from outside."""

    def cut(self) -> None:
        """End it; returns at once."""


class Deadlines:
    """Cuts what is still running `seconds` after its start.

    All have the same time, so the first to start is the first that is over. One look every quarter
    of a second, or four within the time, serves them all: a cut comes that much late at most.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[Cuttable, float] = {}
        self._look = Later(min(0.25, seconds / 4), self._cut_those_over)

    def watch(self, item: Cuttable, started: float) -> None:
        """Begin the item's time; `started` is a reading of time.perf_counter()."""
        self._running[item] = started + self._seconds
        self._look.ask()

    def release(self, item: Cuttable) -> None:
        """Let the item take any time from now on; harmless if it is not watched."""
        self._running.pop(item, None)

    def _cut_those_over(self) -> None:
        now = time.perf_counter()
        for item, deadline in list(self._running.items()):
            if deadline > now:
                break
            del self._running[item]
            item.cut()
        if self._running:
            self._look.ask()
