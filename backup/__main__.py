"""`python -m backup`: the service that makes a dump whenever one is due.

It takes from its environment BACKUP_SCHEDULE, BACKUPS_KEPT, BACKUP_FOLDER and STACK, and libpq's
own variables. What it did last is in /tmp/failed: absent when all is well, else the reason. The
health check shows that file.
"""

import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from backup.dumps import Tools, make
from backup.errors import BackupError
from backup.names import dumps
from backup.schedule import Schedule

FAILED = Path("/tmp/failed")  # noqa: S108 (the container's own)
# So that a clock that was set, or a machine that slept, delays a dump by this much at most.
LONGEST_SLEEP = 30.0
TOOLS = Tools(
    # A table that somebody holds locked must not hold the dumps for ever.
    pg_dump=["pg_dump", "--format=custom", "--no-password", "--lock-wait-timeout=60s"],
    pg_restore=["pg_restore"],
)

logger = logging.getLogger("backup")


def main() -> None:
    """Run for ever; SIGTERM ends it at once, a dump that is being made included."""
    signal.signal(signal.SIGTERM, _end)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.Formatter.converter = time.gmtime
    folder, stack = Path(os.environ["BACKUP_FOLDER"]), os.environ["STACK"]
    schedule = Schedule.parse(os.environ["BACKUP_SCHEDULE"])
    kept = int(os.environ["BACKUPS_KEPT"])
    tried: datetime | None = None
    while True:
        now = datetime.now(UTC)
        try:
            if is_due(schedule, now, tried, folder, stack):
                tried = now
                dump = make(folder, stack, TOOLS, kept)
                logger.info("made %s (%d bytes)", dump.name, dump.stat().st_size)
                FAILED.unlink(missing_ok=True)
        except (BackupError, OSError) as error:
            logger.error("no dump was made: %s", error)
            FAILED.write_text(f"the last dump failed: {error}\n")
        following = schedule.next_due(now)
        if tried == now:
            logger.info("the next dump is due at %s", following)
        wait = (following - datetime.now(UTC)).total_seconds()
        time.sleep(min(max(wait, 0.0), LONGEST_SLEEP))


def is_due(
    schedule: Schedule, now: datetime, tried: datetime | None, folder: Path, stack: str
) -> bool:
    """Tell whether a dump is missing: none was made or tried since the last time one was due.

    So what was missed while the machine was off is made up for, once; and a folder without any
    dump gets its first one at once. One made by hand counts.
    """
    made = [name.at for name, _path in dumps(folder, stack)]
    last = max([*made, *([tried] if tried else [])], default=None)
    return last is None or last < schedule.last_due(now)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
