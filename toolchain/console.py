"""All that the toolchain says to the person in front of it: steps, progress, errors."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Sequence

HEARTBEAT_SECONDS = 20.0


class UserError(Exception):
    """Something the reader can mend: what is wrong and where, and the command that mends it."""

    def __init__(self, message: str, mend: str) -> None:
        """Take the message ("what, where") and the command or step that mends it."""
        super().__init__(message)
        self.message = message
        self.mend = mend


class UserErrors(Exception):
    """Several `UserError`s that were found together."""

    def __init__(self, errors: list[UserError]) -> None:
        """Take the errors in the order in which they are to be shown."""
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


def say(text: str) -> None:
    """Print a line as it is."""
    print(text, flush=True)


def step(text: str) -> None:
    """Announce the next step: what it does, and how long it may take."""
    say(f"==> {text}")


def found(what: str, detail: str) -> None:
    """Report in one line a step that is done or had nothing to do."""
    say(f"{what:<10}{detail}")


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of equal length, each column as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def fail(error: UserError | UserErrors) -> None:
    """Print what is wrong and what mends it on stderr."""
    sys.stdout.flush()
    for one in error.errors if isinstance(error, UserErrors) else [error]:
        print(f"error: {one.message}", file=sys.stderr)
        print(f"to mend it: {one.mend}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress(text: str, every: float = HEARTBEAT_SECONDS) -> Iterator[None]:
    """Announce a long step, say every few seconds how long it has run, and how long it took."""
    step(text)
    started = time.monotonic()
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(every):
            say(f"    … {duration(time.monotonic() - started)} so far")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    say(f"    done in {duration(time.monotonic() - started)}")


def duration(seconds: float) -> str:
    """Return seconds as a person says them: "4 s", "2 min 5 s"."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
