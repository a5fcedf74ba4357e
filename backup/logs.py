"""Logs: one JSON object a line, with the fields that the backend's lines have (app/logs.py)."""

import logging
import sys
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter


def configure(level: str) -> None:
    """Send all logs of this process to standard output, at `level` (such as INFO) and above."""
    handler = logging.StreamHandler(stream=sys.stdout)
    handler.setFormatter(
        JsonFormatter(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp="time",
        )
    )
    logging.basicConfig(level=level, handlers=[handler])
    sys.excepthook = _log_uncaught


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger("backup").critical(str(error) or kind.__name__, exc_info=(kind, error, trace))
