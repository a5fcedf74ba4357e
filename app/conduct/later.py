"""Work that is put off, so that many requests share it."""

import asyncio
from collections.abc import Callable
from contextvars import Context


class Later:
    """Calls `work` once, `delay` seconds after it was first asked for; then it may be asked again.

    A timer of its own would cost each request more than all else that is done around it.
    """

    def __init__(self, delay: float, work: Callable[[], None]) -> None:
        self._delay = delay
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self) -> None:
        """See to it that the work is done; called within the event loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # another one may have ended before it came to the work
            self._loop = loop
            # A context of its own: the work is not that of the request which happens to ask first.
            loop.call_later(self._delay, self._do, context=Context())

    def _do(self) -> None:
        self._loop = None
        self._work()
