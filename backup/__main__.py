"""`python -m backup`: the service that makes a dump whenever one is due.

It takes from its environment BACKUP_SCHEDULE, BACKUPS_KEPT, BACKUP_FOLDER, STACK, LOG_LEVEL and
HTTP_PORT (where it tells how it is), and libpq's own variables. While a dump that
is due cannot be made, the reason stands in /tmp/failed, which the health check shows.
"""

import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from backup import logs
from backup.dumps import Tools, make
from backup.errors import BackupError
from backup.metrics import BackupMetrics, serve
from backup.names import newest
from backup.schedule import Schedule

FAILED = Path("/tmp/failed")  # noqa: S108 (the container's own)
# So that a clock that was set, or a machine that slept, delays a dump by this much at most.
LONGEST_SLEEP = 30.0
# After a machine's start the service may be there before the database is.
RETRY = 30.0
TOOLS = Tools(
    # A table that somebody holds locked must not hold the dumps for ever.
    pg_dump=["pg_dump", "--format=custom", "--no-password", "--lock-wait-timeout=60s"],
    pg_restore=["pg_restore"],
)

logger = logging.getLogger("backup")


def main() -> None:
    """Run for ever; SIGTERM ends it at once, a dump that is being made included."""
    signal.signal(signal.SIGTERM, _end)
    logs.configure(os.environ.get("LOG_LEVEL", "INFO"))
    folder, stack = Path(os.environ["BACKUP_FOLDER"]), os.environ["STACK"]
    schedule = Schedule.parse(os.environ["BACKUP_SCHEDULE"])
    kept = int(os.environ["BACKUPS_KEPT"])
    metrics = BackupMetrics(folder, stack, schedule)
    serve(int(os.environ["HTTP_PORT"]), metrics)
    while True:
        now = datetime.now(UTC)
        wait = min((schedule.next_due(now) - now).total_seconds(), LONGEST_SLEEP)
        try:
            if is_due(schedule, now, folder, stack):
                dump = make(folder, stack, TOOLS, kept)
                size, due = dump.stat().st_size, schedule.next_due(now)
                logger.info(
                    "a dump was made", extra={"dump": dump.name, "bytes": size, "next_due": due}
                )
            FAILED.unlink(missing_ok=True)
            metrics.failed = False
        except (BackupError, OSError) as error:
            logger.error("no dump was made: %s", error, extra={"retry_after_s": RETRY})
            FAILED.write_text(f"the last dump failed: {error}\n")
            metrics.failed = True
            wait = RETRY
        time.sleep(wait)


def is_due(schedule: Schedule, now: datetime, folder: Path, stack: str) -> bool:
    """Tell whether a dump is missing: none was made since the last time one was due.

    So what was missed while the machine was off is made up for, once; and a folder without any
    dump gets its first one at once.
    """
    made = newest(folder, stack, now)
    return made is None or made[0].at < schedule.last_due(now)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
