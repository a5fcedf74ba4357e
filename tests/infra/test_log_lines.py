"""Log lines for people: short, whole, and harmless to the terminal that shows them."""

import json

import pytest

from infra.log_lines import MAX_VALUE, readable
from infra.targets.engine import LOG_LINES, _tail

REQUEST = {
    "level": "INFO",
    "logger": "app.access",
    "message": "request",
    "method": "GET",
    "route": "/api/v1/entities",
    "status": 200,
    "duration_ms": 4.2,
    "time": "2026-11-28T17:00:01.5+01:00",
    "request_id": "r1",
}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            json.dumps(REQUEST),
            "16:00:01 backend           INFO    request method=GET route=/api/v1/entities"
            " status=200 duration_ms=4.2 request_id=r1",
        ),
        # HAProxy's time has no offset.
        (
            '{"level": "WARNING", "message": "connection", "time": "2026-11-28T16:00:01.250"}',
            "16:00:01 backend           WARNING connection",
        ),
        (
            '{"message": "m", "k": "a b", "n": null}',
            '         backend                   m k="a b" n=null',
        ),
        (
            "LOG:  checkpoint starting: time",
            "         backend           LOG:  checkpoint starting: time",
        ),
        ('"a text"', '         backend           "a text"'),
        ('{"no": "event"}', '         backend           {"no": "event"}'),
    ],
)
def test_a_line_is_shown_in_columns(line: str, shown: str) -> None:
    assert readable(line, "backend") == shown


def test_a_stack_trace_stands_in_lines_of_its_own() -> None:
    line = json.dumps({"level": "ERROR", "message": "m", "k": 1, "exception": "Trace\n  File"})
    assert readable(line).splitlines() == ["         ERROR   m k=1", "    Trace", "      File"]


def test_a_long_value_is_cut() -> None:
    shown = readable(json.dumps({"message": "m", "summary": {"many": ["x" * 9] * 99}}))
    assert shown.endswith("…")
    assert len(shown) < MAX_VALUE + 40


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(dict.fromkeys(("message", "level", "time", "method"), "\x1b[2J\x9b")),
        json.dumps({"message": "m", "\x1b[2J": "x", "exception": "\x1b[2J"}),
        "\x1b[2J\r of a client's",
    ],
)
def test_no_control_character_reaches_the_terminal(line: str) -> None:
    assert readable(line, "backend").replace("\n", "").isprintable()


def test_the_error_of_up_shows_the_end_of_a_long_trace_in_lines() -> None:
    trace = "\n".join([*(f"frame {n}" for n in range(99)), "RuntimeError: why"])
    lines = _tail(json.dumps({"message": "failed", "exception": trace})).splitlines()
    assert len(lines) == LOG_LINES
    assert lines[-1].endswith("RuntimeError: why")
