"""The access log: one line a request, with the route's template instead of the path.

The path of a draft holds its token, which opens the draft: it must stand in no log. For the same
reason a path that matches no route is not logged, and neither is a query.
"""

import json
import logging
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

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


class _Line(NamedTuple):
    level: int
    method: str
    route: str | None
    status: int
    duration: float
    ended: float
    request_id: str


class AccessLog:
    """Collects lines and writes them together, a twentieth of a second later.

    A line written at once, through the general formatter, costs a fifth of a whole request.
    """

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._flush = Later(_DELAY, self.flush)

    def add(
        self, scope: Scope, status: int, duration: float, ended: float, request_id: str
    ) -> None:
        """Note a request; `duration` in seconds, `ended` in seconds since 1970."""
        route = _template(scope)
        level = logging.DEBUG if route in _QUIET and status < 400 else logging.INFO
        if _logger.isEnabledFor(level):
            self._lines.append(
                _Line(level, scope["method"], route, status, duration, ended, request_id)
            )
            self._flush.ask()

    def flush(self) -> None:
        """Write all lines that wait."""
        lines, self._lines = self._lines, []
        if lines:
            # One record for all of them: handlers and their locks are what costs.
            text = "\n".join(map(_render, lines))
            record = _logger.makeRecord(
                _logger.name, logging.INFO, __name__, 0, text, (), None, extra={READY: True}
            )
            _logger.handle(record)


def _render(line: _Line) -> str:
    return _LINE % (
        logging.getLevelName(line.level),
        _quoted(line.method),
        _quoted(line.route),
        line.status,
        line.duration * 1000,
        datetime.fromtimestamp(line.ended, UTC).isoformat(),
        line.request_id,
    )


@lru_cache(maxsize=256)
def _quoted(text: str | None) -> str:
    return json.dumps(text)


def _template(scope: Scope) -> str | None:
    # A route knows its path below its own router only; FastAPI keeps the whole one beside it.
    # What is added to the app itself, such as /docs, has the route alone.
    context = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(context or scope.get("route"), "path", None)
    return path if isinstance(path, str) else None
