"""What a person is told: short, in time, and with what mends it."""

import time

import pytest

from toolchain import console
from toolchain.console import UserError, UserErrors


def test_every_error_stands_with_what_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    console.fail(UserErrors([UserError("disk full", "df"), UserError("no Go", "get Go")]))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ("error: disk full\nto mend it: df\nerror: no Go\nto mend it: get Go\n")


def test_a_long_step_says_that_it_is_alive(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("building", every=0.05):
        time.sleep(0.2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "==> building"
    assert lines[1] == "    … 0 s so far"
    assert lines[-1] == "    done in 0 s"


def test_a_step_that_fails_is_not_called_done(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise UserError("x", "y")

    with pytest.raises(UserError), console.progress("building", every=0.05):
        fail()
    assert "done" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (305, "5 min 5 s")]
)
def test_durations_are_said_as_people_do(seconds: float, text: str) -> None:
    assert console.duration(seconds) == text
