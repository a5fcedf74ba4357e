"""The access log: one line a request, with the route's template instead of the path.

The path of a draft holds its token, which opens the draft: it must stand in no log. For the same
reason a path that matches no route is not logged, and neither is a query.
"""

import json
import logging
import time
from datetime import UTC, datetime
from functools import lru_cache

from starlette.types import Scope

from app.conduct.later import Later
from app.logs import READY

_logger = logging.getLogger("app.access")

# Asked every few seconds by the health checks: their successes would drown everything else.
_QUIET = {"/health", "/livez"}

# Seconds that a line may wait for others.
_DELAY = 0.05

_LINE = (
    '{"level": "%s", "logger": "app.access", "message": "request", "method": %s, "route": %s,'
    ' "status": %d, "duration_ms": %.1f, "time": "%s", "request_id": "%s"}'
)


# Method, route, status, duration in seconds, time of its end in seconds since 1970, request id.
_Line = tuple[str, str | None, int, float, float, str]


class AccessLog:
    """Collects lines and writes them together, a twentieth of a second later.

    A line written at once, through the general formatter, costs a fifth of a whole request.
    """

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._flush = Later(_DELAY, self.flush)

    def add(
        self, method: str, route: str | None, status: int, duration: float, request_id: str
    ) -> None:
        """Note a request that ends now; `route` is its template, `duration` in seconds."""
        self._lines.append((method, route, status, duration, time.time(), request_id))
        self._flush.ask()

    def flush(self) -> None:
        """Write all lines that wait."""
        lines, self._lines = self._lines, []
        ready = [
            _render(level, line) for line in lines if _logger.isEnabledFor(level := _level(line))
        ]
        if ready:
            # One record for all of them: handlers and their locks are what costs.
            text = "\n".join(ready)
            record = _logger.makeRecord(
                _logger.name, logging.INFO, __name__, 0, text, (), None, extra={READY: True}
            )
            _logger.handle(record)


def _level(line: _Line) -> int:
    _, route, status, *_ = line
    return logging.DEBUG if route in _QUIET and status < 400 else logging.INFO


def _render(level: int, line: _Line) -> str:
    method, route, status, duration, ended, request_id = line
    return _LINE % (
        logging.getLevelName(level),
        _quoted(method),
        _quoted(route),
        status,
        duration * 1000,
        datetime.fromtimestamp(ended, UTC).isoformat(),
        request_id,
    )


@lru_cache(maxsize=256)
def _quoted(text: str | None) -> str:
    return json.dumps(text)


def template(scope: Scope) -> str | None:
    """Return the path of the request's route as it was declared; None where none matched."""
    # A route knows its path below its own router only; FastAPI keeps the whole one beside it.
    # What is added to the app itself, such as /docs, has the route alone.
    context = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(context or scope.get("route"), "path", None)
    return path if isinstance(path, str) else None
