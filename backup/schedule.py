"""When dumps are due: cron's five fields, in UTC, as Debian's cron reads them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cronsim import CronSim, CronSimError

FIELDS = 5


@dataclass(frozen=True)
class Schedule:
    """A cron expression that was checked."""

    expression: str

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Return the schedule; raises `ValueError` with the reason for one that is none."""
        count = len(expression.split())
        if count != FIELDS:
            raise ValueError(
                f"must have cron's five fields (minute hour day month weekday), not {count}; "
                "names such as @daily are not known"
            )
        try:
            # Its own limit is 50 years: later than that is never.
            next(CronSim(expression, datetime(2000, 1, 1)))
        except CronSimError as error:
            raise ValueError(f"is no cron expression: {str(error).lower()}") from None
        except StopIteration:
            raise ValueError("names a date that never comes") from None
        return cls(expression)

    def last_due(self, now: datetime) -> datetime:
        """Return the last moment up to `now` at which a dump was due."""
        minute = now.replace(second=0, microsecond=0)
        return next(CronSim(self.expression, minute + timedelta(minutes=1), reverse=True))

    def next_due(self, now: datetime) -> datetime:
        """Return the first moment after `now` at which a dump is due."""
        return next(CronSim(self.expression, now))
