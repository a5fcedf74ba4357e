"""Where the long work on drafts runs: beside the requests, and never much of it at once."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

# Seconds after which a thread lets another one have the interpreter. The event loop asks for it
# several times a request; Python's own 5 ms would add up to more than all else in it.
sys.setswitchinterval(0.001)

# Threads of their own, few for each process: a flood of heavy drafts queues here, and leaves the
# event loop its share of the interpreter and the other users of threads theirs. A semaphore would
# not do: a request that is cut gives it back, while its thread goes on.
_AT_ONCE = 2
RENDERING = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="draft-files")
# Apart from the first: who waits here keeps a connection, because the draft is stored with what
# comes out, and must not wait for those who keep none.
ASSESSING = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="draft-report")
# Apart from both: who waits here has no connection yet, and need not wait for those above.
READING = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="draft-body")


async def in_thread(threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: Any) -> T:
    """Return what `work` returns; a request that is cut before its turn never begins it."""
    return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)
