"""Log lines for people, as `make logs` and the errors of `pulumi up` show them."""

import json
from datetime import UTC, datetime
from typing import Any

# Of a value; `make logs RAW=1` shows all of it.
MAX_VALUE = 200


def event(line: str) -> dict[str, Any] | None:
    """Return the event that a line is (app/logs.py), None for any other line."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "message" in found else None


def readable(line: str, role: str = "", written: str = "") -> str:
    """Return a line of a log: time (UTC), role, level, message, fields as key=value.

    The role's column is left out where none is given. `written` is when the engine got the line
    (ISO 8601), for a line that says no time. What is no event stays as it is, but for
    control characters: whoever sends a request must not write on the reader's terminal.
    """
    column = f"{role:<17} " if role else ""
    fields = event(line)
    if fields is None:
        return f"{_time(written):8} {column}{_printable(line)}" if role else _printable(line)
    moment, level = _time(fields.pop("time", written)), str(fields.pop("level", ""))
    message, trace = str(fields.pop("message")), fields.pop("exception", None)
    fields.pop("logger", None)
    pairs = [f"{_printable(key)}={_value(value)}" for key, value in fields.items()]
    head = f"{moment:8} {column}{_printable(level):<7} "
    text = " ".join([_printable(message), *pairs])
    if trace:
        text += f"\n{_printable(str(trace))}"
    return head + text.replace("\n", "\n    ")


def _time(value: object) -> str:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return ""
    # HAProxy's has no offset: it is UTC, as everything in the containers is.
    return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%H:%M:%S}"


def _value(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and not set(value) & set(' "='):
        text = value or '""'
    else:
        text = _printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"


def _printable(text: str) -> str:
    return "".join(
        one if one.isprintable() or one in "\n\t" else f"\\x{ord(one):02x}" for one in text
    )
