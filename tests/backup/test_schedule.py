"""When dumps are due, and what is no schedule."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backup.__main__ import is_due
from backup.names import DumpName, checksum_file
from backup.schedule import Schedule

NOW = datetime(2026, 11, 28, 14, 36, 30, tzinfo=UTC)
STACK = "dev"


@pytest.mark.parametrize(
    ("expression", "last", "following"),
    [
        ("* * * * *", "14:36", "14:37"),
        ("36 14 * * *", "14:36", "14:36"),
        ("0 15 * * *", "15:00", "15:00"),
        ("*/30 9-17 * * sat,0", "14:30", "15:00"),
        ("0 0 29 2 *", "00:00", "00:00"),
    ],
)
def test_due_times_are_in_utc_and_the_present_minute_counts(
    expression: str, last: str, following: str
) -> None:
    schedule = Schedule.parse(expression)
    assert f"{schedule.last_due(NOW):%H:%M}" == last
    assert schedule.last_due(NOW) <= NOW < schedule.next_due(NOW)
    assert f"{schedule.next_due(NOW):%H:%M}" == following
    assert schedule.next_due(NOW).tzinfo == UTC


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("@reboot", "five fields"),
        ("@daily", "five fields"),
        ("* * * *", "five fields"),
        ("0 * * * * *", "five fields"),
        ("99 * * * *", "bad minute"),
        ("*/0 * * * *", "bad minute"),
        ("-1 * * * *", "bad minute"),
        ("١ * * * *", "bad minute"),  # noqa: RUF001 (a digit, but none of cron's)
        ("5-1 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("0 0 31 2 *", "bad day-of-month"),
        ("0 0 31 4,6,9,11 *", "bad day-of-month"),
        ("0 0 1 13 *", "bad month"),
        ("0 0 * * noday", "bad day-of-week"),
        ("0 0 * * *; rm -rf /", "five fields"),
    ],
)
def test_what_cron_does_not_know_and_what_never_comes_is_refused(
    expression: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Schedule.parse(expression)


def a_dump(folder: Path, at: datetime) -> None:
    path = folder / str(DumpName(at, STACK, "c069ae64b4e5"))
    path.write_bytes(b"")
    checksum_file(path).write_bytes(b"")


def test_a_folder_without_a_dump_gets_its_first_at_once(tmp_path: Path) -> None:
    daily = Schedule.parse("0 3 * * *")
    assert is_due(daily, NOW, tmp_path, STACK)


def test_what_was_missed_is_made_up_for_once(tmp_path: Path) -> None:
    daily = Schedule.parse("0 3 * * *")
    a_dump(tmp_path, NOW - timedelta(days=5))
    assert is_due(daily, NOW, tmp_path, STACK)
    a_dump(tmp_path, NOW)
    assert not is_due(daily, NOW, tmp_path, STACK)
    assert not is_due(daily, NOW + timedelta(hours=12), tmp_path, STACK)
    assert is_due(daily, NOW + timedelta(hours=13), tmp_path, STACK)


def test_a_dump_made_in_the_minute_it_was_due_is_the_one_that_was_due(tmp_path: Path) -> None:
    every = Schedule.parse("* * * * *")
    a_dump(tmp_path, NOW.replace(second=0))
    assert not is_due(every, NOW, tmp_path, STACK)


def test_a_dump_from_before_the_clock_was_set_back_holds_none_up(tmp_path: Path) -> None:
    a_dump(tmp_path, NOW + timedelta(days=2))
    assert is_due(Schedule.parse("0 3 * * *"), NOW, tmp_path, STACK)
