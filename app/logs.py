"""Logs of backend, migrations and importer: one JSON object a line, those of libraries included."""

import json
import logging
import logging.config
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter

from app.conduct import request_ids
from app.redaction import render, without_values

# Also given to `uvicorn --log-config`, so that the lines of its reloader, which never imports the
# app, are JSON too.
CONFIG_FILE = Path(__file__).with_name("log_config.json")

# The attribute of a record whose message is JSON already.
READY = "ready_json"

# What a job was run for, in its last line. infra/stack.py and app/resync.py read it, so it is told
# whatever the level.
RESULT = "app.result"


class JsonFormatter(BaseJsonFormatter):
    """Level, logger, time (UTC), message, the request's id, and whatever was given as `extra`.

    An error of the database is logged without the values that it quotes: they may be a draft's
    content or the hash of its token.
    """

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp="time",
            # uvicorn repeats its messages in `color_message`, for terminals.
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        )

    def format(self, record: logging.LogRecord) -> str:
        return record.getMessage() if hasattr(record, READY) else super().format(record)

    def formatException(self, ei: Any) -> str:
        return render(ei[1]) if ei[1] is not None else ""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Clean what is logged as text, such as `logger.error("failed: %s", error)`."""
        clean = {
            name: without_values(value) if isinstance(value, str) and name != "exception" else value
            for name, value in log_data.items()
        }
        request_id = request_ids.current.get()
        return clean if request_id is None else {**clean, "request_id": request_id}


class NoWebSocketPath(logging.Filter):
    """Drops uvicorn's lines on WebSocket handshakes, which hold the path, hence a draft's token.

    `ws="none"`, as in app/serve.py, avoids them too; this is for whoever starts uvicorn by hand.
    `--no-access-log` does not reach them: they are written to uvicorn's error log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return '"WebSocket ' not in record.getMessage()


def configure_logging(level: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
    """Send all logs of this process through the JSON formatter, at `level` and above.

    An error that ends the process is logged too, instead of the interpreter's own stack trace.
    """
    config: dict[str, Any] = json.loads(CONFIG_FILE.read_text(encoding="utf-8"))
    config["handlers"]["console"]["stream"] = f"ext://sys.{stream}"
    config["root"]["level"] = level
    # Never below INFO: with DEBUG uvicorn hands its logger to the WebSocket library, which writes
    # the first line of every request, path included.
    config["loggers"]["uvicorn"]["level"] = "INFO" if level == "DEBUG" else level
    logging.config.dictConfig(config)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        message = str(error) or kind.__name__
        logging.getLogger("app").critical(message, exc_info=(kind, error, trace))
