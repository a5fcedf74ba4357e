"""The backup service's lines have the fields of the backend's, though it shares no code with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import logging, sys
{configure}
logging.getLogger("x").debug("hidden")
try:
    raise ValueError("why")
except ValueError:
    logging.getLogger("x").error("text of %s", "it", extra={{"bytes": 1}}, exc_info=True)
raise RuntimeError("the end")
"""
WAYS = {
    "app": "from app.logs import configure_logging; configure_logging('INFO')",
    "backup": "from backup.logs import configure; configure('INFO')",
}


def logged(way: str) -> list[dict[str, object]]:
    """Return the events of a program that logs the way of `app` or of `backup`."""
    program = [sys.executable, "-c", PROGRAM.format(configure=WAYS[way])]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("way", WAYS)
def test_errors_are_events_also_those_that_end_the_program(way: str) -> None:
    error, end = logged(way)
    assert (error["level"], error["logger"], error["message"]) == ("ERROR", "x", "text of it")
    assert error["bytes"] == 1
    assert str(error["exception"]).endswith("ValueError: why")
    assert (end["level"], end["message"]) == ("CRITICAL", "the end")


def test_backup_and_backend_name_their_fields_alike() -> None:
    ours, theirs = logged("backup"), logged("app")
    assert [one.keys() for one in ours] == [one.keys() for one in theirs]
    for mine, their in zip(ours, theirs, strict=True):
        assert str(mine["time"])[-6:] == str(their["time"])[-6:] == "+00:00"
