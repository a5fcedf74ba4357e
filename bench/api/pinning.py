"""Which core does what: the server that is measured has one of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER = "server"
OTHERS = "others"  # the client and PostgreSQL


def cores(of: str) -> list[int]:
    """Return the cores of the server, or of everything else; with one core all share it."""
    first, *others = sorted(os.sched_getaffinity(os.getpid()))
    return others or [first] if of == OTHERS else [first]


@contextmanager
def pinned(to: str) -> Iterator[None]:
    """Run what the block does, and every process that it starts, on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores(to))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
