"""Logs: one JSON object a line on standard output, uvicorn's own lines included."""

import json
import logging
import logging.config
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonEncoder
from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.conduct import request_ids
from app.redaction import render, without_values

# Also given to `uvicorn --log-config`, so that the lines of its reloader, which never imports the
# app, are JSON too.
CONFIG_FILE = Path(__file__).with_name("log_config.json")

_access = logging.getLogger("app.access")

# Asked every few seconds by the health checks: their successes would drown everything else.
_QUIET = {"/health", "/livez"}

_encode = JsonEncoder().encode


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
            # The module's own json.dumps would make an encoder for every line.
            json_serializer=lambda data, **_: _encode(data),
        )

    def format(self, record: logging.LogRecord) -> str:
        if record.name != _access.name:
            return super().format(record)
        # The line that every request pays for, without the steps that it has no need of: they take
        # three times as long.
        line = {
            "level": record.levelname,
            "logger": record.name,
            "message": record.msg,
            **vars(record)["fields"],
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "request_id": request_ids.current.get(),
        }
        return _encode(line)

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

    `--ws none`, as in app/Dockerfile, avoids them too; this is for whoever starts uvicorn by hand.
    `--no-access-log` does not reach them: they are written to uvicorn's error log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return '"WebSocket ' not in record.getMessage()


def configure_logging(level: str) -> None:
    """Send all logs of this process through the JSON formatter, at `level` and above."""
    config: dict[str, Any] = json.loads(CONFIG_FILE.read_text(encoding="utf-8"))
    config["root"]["level"] = level
    # Never below INFO: with DEBUG uvicorn hands its logger to the WebSocket library, which writes
    # the first line of every request, path included.
    config["loggers"]["uvicorn"]["level"] = "INFO" if level == "DEBUG" else level
    logging.config.dictConfig(config)
    logging.captureWarnings(True)
    # No line shows these, and each line would ask the system for them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class AccessLog:
    """ASGI middleware: one line a request, with the route's template instead of the path.

    The path of a draft holds its token, which opens the draft: it must stand in no log. For the
    same reason a path that matches no route is not logged, and neither is a query.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Stays 500 where the app raises, or is cancelled, before it has begun to answer.
        status = 500
        started = time.perf_counter()

        async def remember_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, remember_status)
        finally:
            route = _template(scope)
            quiet = route in _QUIET and status < 400
            level = logging.DEBUG if quiet else logging.INFO
            if _access.isEnabledFor(level):
                fields = {
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                }
                # Not log(), which looks for its caller in the stack.
                record = _access.makeRecord(
                    _access.name, level, __name__, 0, "request", (), None, extra={"fields": fields}
                )
                _access.handle(record)


def _template(scope: Scope) -> str | None:
    # A route knows its path below its own router only; FastAPI keeps the whole one beside it.
    # What is added to the app itself, such as /docs, has the route alone.
    context = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(context or scope.get("route"), "path", None)
    return path if isinstance(path, str) else None
