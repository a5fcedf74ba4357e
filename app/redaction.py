"""Error texts without the values that a statement carried.

PostgreSQL and asyncpg quote them: `Key (capability_hash)=(...) already exists`, `Failing row
contains (...)`, `invalid input for query argument $1: ...`. SQLAlchemy's hide_parameters covers its
own words only, not those of the error that it wraps.
"""

import re
import traceback

# A detail may have several lines, as a value may; what follows it (a hint, SQLAlchemy's statement)
# goes with it, because nothing marks the detail's end.
_DETAIL = re.compile(r"\s*\bDETAIL:.*", re.DOTALL)
_REFUSED_VALUE = re.compile(r"(invalid input (?:syntax|value|for query argument)[^\n:]*):.*", re.S)


def without_values(text: str) -> str:
    """Return an error's text less what may be a row's content."""
    return _REFUSED_VALUE.sub(r"\1", _DETAIL.sub("", text))


def one_line(error: BaseException) -> str:
    """Return the error's own text, or its type's name, as one line without values."""
    text = without_values(str(error)) or type(error).__name__
    return " ".join(text.split())


def render(error: BaseException) -> str:
    """Return the error's stack trace, with what it was raised from, without values.

    Works on each error's own text: in the whole trace a value of several lines could not be told
    from the lines that follow.
    """
    trace = "".join(traceback.format_exception(error)).rstrip("\n")
    # The longest first: SQLAlchemy's error quotes the text of the driver's.
    for text in sorted({str(item) for item in _related(error)}, key=len, reverse=True):
        clean = without_values(text)
        if clean != text:
            # In a group of exceptions each line of the text is indented and begins with a bar.
            quoted = r"\n[ |]*".join(re.escape(line) for line in text.split("\n"))
            trace = re.sub(quoted, lambda _, clean=clean: clean, trace)  # type: ignore[misc]
    return trace


def _related(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        item = waiting.pop()
        if item is None or any(item is other for other in found):
            continue
        found.append(item)
        waiting += [item.__cause__, item.__context__]
        if isinstance(item, BaseExceptionGroup):
            waiting += item.exceptions
    return found
