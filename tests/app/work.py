"""Counts work, so that a test can say how it grows without measuring time."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls(work: Callable[[], Any], name: str | None = None) -> int:
    """Return how many functions, built-in ones too, are called in `work`; only those of a name."""
    count = 0

    def seen(frame: FrameType, event: str, called: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            is_called = called.__name__ if event == "c_call" else frame.f_code.co_name
            count += name in (None, is_called)

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def copied(text: str, work: Callable[[str], Any]) -> int:
    """Return how many characters `work` copies by slices of the text that it is given."""
    count = 0

    class Text(str):
        __slots__ = ()

        def __getitem__(self, index: Any) -> str:
            nonlocal count
            part = super().__getitem__(index)
            count += len(part)
            return part

    work(Text(text))
    return count
