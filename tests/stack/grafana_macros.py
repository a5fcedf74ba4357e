"""Expands what Grafana expands, as it does; no registry here has Grafana itself.

Each function names the source in github.com/grafana/grafana that it does the same as.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# Seconds: what the frontend rounds the distance between two points of a graph to
# (packages/grafana-data/src/datetime/rangeutil.ts, roundInterval).
ROUND = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600)
POINTS = 1000  # about the pixels that a graph is wide


@dataclass(frozen=True)
class Window:
    """A time range that a dashboard shows, in seconds since 1970."""

    begin: float
    end: float

    @property
    def seconds(self) -> int:
        return round(self.end - self.begin)

    def interval(self, least: int) -> int:
        """Return the seconds between two points of a graph, `least` at least."""
        wanted = max(self.seconds / POINTS, least)
        return next((one for one in ROUND if one >= wanted), 86400)


def promql(text: str, window: Window, scrape_interval: int) -> str:
    """Expand the variables of PromQL: pkg/promlib/models/query.go, interpolateVariables."""
    step = window.interval(scrape_interval)
    # calculateRateInterval, of the same file.
    rate = max(step + scrape_interval, 4 * scrape_interval)
    values = {
        "interval_ms": str(step * 1000),
        "interval": f"{step}s",
        "range_ms": str(window.seconds * 1000),
        "range_s": str(window.seconds),
        "range": f"{window.seconds}s",
        "rate_interval_ms": str(rate * 1000),
        "rate_interval": f"{rate}s",
    }
    for name, value in values.items():
        text = text.replace(f"$__{name}", value)
    for name, value in values.items():
        text = text.replace(f"${{__{name}}}", value)
    assert "$" not in text, text
    return text


def sql(text: str, window: Window) -> str:
    """Expand the macros of SQL.

    First what all SQL data sources have (pkg/tsdb/sqleng/sql_engine.go, Interpolate), then those of
    PostgreSQL (pkg/tsdb/grafana-postgresql-datasource/macros.go), whose arguments hold no bracket.
    """
    interval = window.interval(1)
    for name, value in {
        "$__interval_ms": str(interval * 1000),
        "$__interval": f"{interval}s",
        "$__unixEpochFrom()": str(math.floor(window.begin)),
        "$__unixEpochTo()": str(math.floor(window.end)),
    }.items():
        text = text.replace(name, value)

    def macro(found: re.Match[str]) -> str:
        name, arguments = found[1], [one.strip(" ") for one in found[2].split(",")]
        # So since Grafana 5.3: before a comma, the group gets its name by itself.
        if name == "__timeGroup" and text[found.end() : found.end() + 1] == ",":
            name = "__timeGroupAlias"
        return _macro(name, arguments, window)

    return re.sub(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)", macro, text)


def _macro(name: str, arguments: list[str], window: Window) -> str:
    begin, end = _moment(window.begin), _moment(window.end)
    match name:
        case "__time":
            return f'{arguments[0]} AS "time"'
        case "__timeEpoch":
            return f'extract(epoch from {arguments[0]}) as "time"'
        case "__timeFilter":
            return f"{arguments[0]} BETWEEN {begin} AND {end}"
        case "__timeFrom":
            return begin
        case "__timeTo":
            return end
        case "__timeGroup":
            size = _seconds(arguments[1].strip("'"))
            return f"floor(extract(epoch from {arguments[0]})/{size})*{size}"
        case "__timeGroupAlias":
            return f'{_macro("__timeGroup", arguments, window)} AS "time"'
    raise AssertionError(f'unknown macro "{name}"')


def _moment(seconds: float) -> str:
    return f"'{datetime.fromtimestamp(seconds, UTC).isoformat().replace('+00:00', 'Z')}'"


def _seconds(interval: str) -> int:
    found = re.fullmatch(r"(\d+)([smhd])", interval)
    assert found, interval
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def value(text: str, env: Mapping[str, str], read: Callable[[str], str]) -> str:
    """Expand a value of a provisioning file; `read` returns a file's content.

    pkg/services/provisioning/values/values.go, interpolateValue: `$$` is a `$`; between them
    pkg/setting/expanders.go replaces `$__env{}`, `${}` and `$__file{}`, and Go's os.ExpandEnv
    what is a variable then, in what came from a file too.
    """
    parts = []
    for part in text.split("$$"):
        part = re.sub(r"\$(?:__env)?\{([^}]+)\}", lambda found: env.get(found[1], ""), part)
        part = re.sub(r"\$__file\{([^}]+)\}", lambda found: read(found[1]).strip(), part)
        parts.append(_expand_env(part, env))
    return "$".join(parts)


def _expand_env(text: str, env: Mapping[str, str]) -> str:
    """Replace variables as Go's os.ExpandEnv does: single characters too, such as `$1` and `$$`."""

    def replaced(found: re.Match[str]) -> str:
        braced, plain = found["braced"], found["plain"]
        return env.get(plain if braced is None else braced, "")

    return re.sub(r"\$(?:\{(?P<braced>[^}]*)\}|(?P<plain>[*#$@!?\-0-9]|\w+))", replaced, text)
