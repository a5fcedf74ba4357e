"""Run one Pulumi program in this process, and tell the user what went wrong in it."""

import asyncio
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import grpc
import pulumi
from pulumi import runtime
from pulumi.runtime.proto import language_pb2

from .runner import EXIT_INTERRUPTED, EXIT_TOLD

# By id: an exception class may be without a hash. The exception stays alive with its entry.
_raised_at: dict[int, tuple[BaseException, TracebackType | None]] = {}

INTERRUPT_GRACE = 1.0  # seconds for `finally` blocks after Ctrl-C; the engine kills after 5


def run(serialized: bytes, engine_address: str) -> int:
    """Run the program of a serialized RunRequest; return the exit code for this process.

    Must be called in the main thread of a process of its own: the program may use signals,
    threads and module globals as it likes.
    """
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    request = language_pb2.RunRequest.FromString(serialized)
    # The engine waits for whole lines; in blocks, output would come after the update.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # Futures left open by a failed program are no news for the user.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    loop.set_task_factory(_task)  # type: ignore[arg-type]  # no task of a generator
    asyncio.set_event_loop(loop)
    # Each outstanding registration waits in a thread of its own.
    loop.set_default_executor(ThreadPoolExecutor(max_workers=max(request.parallel, 1) * 4))
    try:
        _configure(request, engine_address)
        loop.run_until_complete(runtime.run_in_stack(lambda: _execute(request)))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as stop:
        return _exit_code(stop)
    except pulumi.RunError as error:
        _tell(str(error))
        return EXIT_TOLD
    except grpc.RpcError as error:
        # UNAVAILABLE: the engine has ended the update and has said why.
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            _tell(f"the engine refused a call of the program: {error.details()}")
        return EXIT_TOLD
    except Exception as error:
        _tell(
            "Program failed with an unhandled exception:\n"
            + readable_traceback(error, request.info.root_directory)
        )
        return EXIT_TOLD
    return 0


def _configure(request: language_pb2.RunRequest, engine_address: str) -> None:
    """Connect the SDK to the engine and give it the stack's settings."""
    runtime.set_all_config(dict(request.config), list(request.configSecretKeys))
    runtime.configure(
        runtime.Settings(
            project=request.project,
            stack=request.stack,
            monitor=request.monitor_address,
            engine=engine_address,
            parallel=request.parallel,
            dry_run=request.dryRun,
            organization=request.organization or "organization",
            root_directory=request.info.root_directory,
        )
    )


def _execute(request: language_pb2.RunRequest) -> None:
    """Execute the file of the program as `__main__`."""
    folder = Path(request.info.program_directory)
    path = folder / request.info.entry_point
    if path.is_dir():
        path = path / "__main__.py"
    if not path.is_file():
        raise pulumi.RunError(f"there is no program at {path}: see `main` in Pulumi.yaml")
    os.chdir(request.pwd or folder)
    # For good, not only while the file runs: functions given to `apply` import later.
    sys.path.insert(0, str(path.parent))
    sys.argv = [str(path), *request.args]
    runpy.run_path(str(path), run_name="__main__")


def _task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """Create a task that remembers where its exception was raised.

    asyncio hands the traceback to the first who awaits a task, and the SDK awaits each twice:
    without this, an error in a function given to `apply` would not name a line of the user's.
    """

    async def remember() -> Any:
        try:
            return await work
        except Exception as error:
            _raised_at.setdefault(id(error), (error, error.__traceback__))
            raise

    return asyncio.Task(remember(), loop=loop, **options)


def readable_traceback(error: BaseException, root: str) -> str:
    """Format an exception without the frames that led to the user's code.

    `root` is the project's folder. What the user's code called is kept, down to the raise.
    """
    _, raised_at = _raised_at.get(id(error), (error, error.__traceback__))
    formatted = traceback.TracebackException(type(error), error, raised_at)
    _trim(formatted, Path(root), set())
    return "".join(formatted.format()).rstrip()


def _trim(formatted: traceback.TracebackException, root: Path, seen: set[int]) -> None:
    if id(formatted) in seen:
        return
    seen.add(id(formatted))
    stack = formatted.stack
    users = [index for index, frame in enumerate(stack) if _is_users(frame.filename, root)]
    # Without a line of the user's, as in a SyntaxError (which names the file itself), at least
    # the way from this file into the program goes.
    stack[:] = stack[users[0] :] if users else [f for f in stack if not _is_ours(f.filename)]
    for other in (formatted.__cause__, formatted.__context__, *(formatted.exceptions or ())):
        if other is not None:
            _trim(other, root, seen)


def _is_users(filename: str, root: Path) -> bool:
    path = Path(filename)
    # The project's virtual environment often stands inside the project.
    return path.is_relative_to(root) and "site-packages" not in path.parts


def _is_ours(filename: str) -> bool:
    return filename in (__file__, "<frozen runpy>", "<frozen importlib._bootstrap>")


def _exit_code(stop: SystemExit) -> int:
    """Return the exit code for a `sys.exit`; its text or number is told to the user."""
    if isinstance(stop.code, str):
        _tell(stop.code)
        return EXIT_TOLD
    if not stop.code:
        return 0
    _tell(f"the program ended itself with exit code {stop.code}")
    return EXIT_TOLD


def _tell(message: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        pulumi.log.error(message)
    except grpc.RpcError:
        print(message, file=sys.stderr)  # the engine is ending: it may still read the stream


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End the program as Ctrl-C ends any Python program, but quietly and in bounded time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deadline = threading.Timer(INTERRUPT_GRACE, os._exit, (EXIT_INTERRUPTED,))
    deadline.daemon = True
    deadline.start()
    raise KeyboardInterrupt
