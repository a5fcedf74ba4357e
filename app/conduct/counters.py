"""Counters in this process' memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Window:
    used: int
    ends: float


class Counters:
    """Fixed windows by key, at most `size` of them (about 300 bytes each).

    The window that began first makes room for a new one: whoever commands `size` addresses is held
    back by a limit per address as little.
    """

    def __init__(self, size: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        # In the order of their beginning. Not a dict, which takes ever longer to find its first key
        # while first keys are deleted.
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def count(self, key: str, seconds: int) -> tuple[int, float]:
        """Count once; return the window's count, this one included, and the seconds left of it.

        A window of `seconds` begins with the first count after the last window's end.
        """
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._windows.pop(key, None)  # what begins anew goes to the end of the order
            self._make_room(now)
            window = self._windows[key] = _Window(0, now + seconds)
        window.used += 1
        return window.used, window.ends - now

    def __len__(self) -> int:
        return len(self._windows)

    def _make_room(self, now: float) -> None:
        # Two for one: windows that are over melt away without a sweep that would hold up requests.
        for _ in range(2):
            oldest = next(iter(self._windows), None)
            if oldest is None:
                return
            if self._windows[oldest].ends > now and len(self._windows) < self._size:
                return
            del self._windows[oldest]
