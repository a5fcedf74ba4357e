"""The store of the limits that are counted in this process' memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from limits.storage import Storage


@dataclass(slots=True)
class _Window:
    used: int
    ends: float


class BoundedMemory(Storage):
    """Fixed windows, at most `size` of them (about 300 bytes each), without threads.

    The library's own MemoryStorage grows with the number of clients and, while it is used, starts
    a thread every 10 ms that walks all of them. Here the window that began first makes room for a
    new one: whoever commands `size` addresses is held back by a limit per address as little.

    Times are seconds of `clock`, not of the calendar, which may be set back.
    """

    STORAGE_SCHEME = None
    base_exceptions = ()

    def __init__(self, size: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.clock = clock
        self._size = size
        # In the order of their beginning. Not a dict, which takes ever longer to find its first key
        # while first keys are deleted.
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to the key's window, which begins now if there is none; return the sum."""
        now = self.clock()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._windows.pop(key, None)  # what begins anew goes to the end of the order
            self._make_room(now)
            window = self._windows[key] = _Window(0, now + expiry)
        window.used += amount
        return window.used

    def get(self, key: str) -> int:
        """Return what the key's window has used."""
        window = self._windows.get(key)
        return window.used if window is not None and window.ends > self.clock() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the key's window ends."""
        window = self._windows.get(key)
        return window.ends if window is not None else self.clock()

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget all windows; return how many there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget the key's window."""
        self._windows.pop(key, None)

    def _make_room(self, now: float) -> None:
        # Two for one: windows that are over melt away without a sweep that would hold up requests.
        for _ in range(2):
            oldest = next(iter(self._windows), None)
            if oldest is None:
                return
            if self._windows[oldest].ends > now and len(self._windows) < self._size:
                return
            del self._windows[oldest]
