"""Rate, errors and duration of the requests, and how many were refused for asking too often."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

# What a client may write there is without bound, and each value would be a series for ever.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"
_UNMATCHED = "unmatched"

# In seconds: from a read's answer to the time limit of a request.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)

_REQUESTS = Counter(
    "hub_http_requests",
    "Requests that have ended, by the route's template and the answer's status.",
    ("method", "route", "status"),
)
_DURATION = Histogram(
    "hub_http_request_duration_seconds",
    "Time from a request's head to the end of its answer.",
    ("method", "route"),
    buckets=_BUCKETS,
)
IN_PROGRESS = Gauge("hub_http_requests_in_progress", "Requests that have not ended yet.")
REFUSALS = Counter(
    "hub_rate_limit_refusals",
    "Requests refused with 429, by the policy they were over.",
    ("policy",),
)

# Method, route, status to what counts one: finding a child by its labels costs more than counting.
_children: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}


def count(method: str, route: str | None, status: int, duration: float) -> None:
    """Count a request that has ended; `route` is its template, `duration` in seconds."""
    key = (method if method in _METHODS else _OTHER, route or _UNMATCHED, status)
    child = _children.get(key)
    if child is None:
        requests = _REQUESTS.labels(key[0], key[1], status)
        child = _children[key] = (requests.inc, _DURATION.labels(key[0], key[1]).observe)
    one, took = child
    one()
    took(duration)


def count_unread(status: int) -> None:
    """Count an answer to what never became a request: it has no method, route or duration."""
    _REQUESTS.labels(_OTHER, _UNMATCHED, status).inc()
