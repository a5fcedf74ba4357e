"""The traffic dashboard: who asks for what, how fast the hub answers, and what it refuses."""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.panels import THIRD, WHOLE, Size, document, graph, number, red_from, rows
from infra.grafana.queries import now, or_zero, over_time, table_of
from infra.settings import StackSettings

UID = "hub-traffic"
TITLE = "Hub: traffic"

RATE = "[$__rate_interval]"
# The health checks' own requests, several a second, would be most of an idle hub's traffic.
ASKED = 'route!~"/health|/livez"'
REQUESTS = f"hub_http_requests_total{{{ASKED}}}"
CLIENT_ERRORS = f'hub_http_requests_total{{{ASKED},status=~"4.."}}'
SERVER_ERRORS = f'hub_http_requests_total{{{ASKED},status=~"5.."}}'
BUCKETS = f"hub_http_request_duration_seconds_bucket{{{ASKED}}}"
# `code` is a class: 1xx to 5xx, and other.
PROXY_ANSWERS = 'haproxy_frontend_http_responses_total{proxy="api"}'

QUARTER = Size(width=6, height=4)


def build(settings: StackSettings) -> str:
    """Return the dashboard."""
    return document(
        UID,
        TITLE,
        "What the API is asked for, and what becomes of it; without the health checks.",
        [
            *_requests(),
            *([] if settings.hot_reload else _proxy()),
            *_inside(),
            *_jobs(),
            *(_backups() if settings.backup_schedule else []),
        ],
    )


def quantile(part: float, by: str = "", window: str = RATE) -> str:
    """Return PromQL for the time within which this part of the requests is answered."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({part}, sum by ({labels}) (rate({BUCKETS}{window})))"


def errors(window: str, at_least: float = 1e-9) -> str:
    """Return PromQL for the part of the requests that the hub failed to answer (status 5xx).

    It counts as the part of `at_least` so many requests a second; 0 where there was no request.
    """
    failed = or_zero(f"sum(rate({SERVER_ERRORS}{window}))")
    every = or_zero(f"sum(rate({REQUESTS}{window}))")
    return f"({failed}) / clamp_min({every}, {at_least})"


def slowness(part: float, window: str, at_least: float) -> str:
    """Return PromQL for `quantile`; 0 where there were fewer requests a second than `at_least`."""
    frequent = f"sum(rate({REQUESTS}{window})) >= {at_least}"
    return or_zero(f"{quantile(part, window=window)} and on () {frequent}")


def overview(size: Size) -> tuple[Panel, ...]:
    """Return the numbers that sum the traffic up, each of this size."""
    return (
        number(
            "Requests",
            units.RequestsPerSecond,
            over_time(or_zero(f"sum(rate({REQUESTS}{RATE}))")),
            size=size,
        ),
        number(
            "Failed requests",
            units.PercentUnit,
            over_time(errors(RATE)),
            "The part of all requests that was answered with a status of 500 or more.",
            size,
            red_from(0.05),
        ),
        number("95 % are answered within", units.Seconds, over_time(quantile(0.95)), size=size),
    )


def _requests() -> Iterator[Sequence[Panel]]:
    yield (
        *overview(QUARTER),
        number(
            "In progress",
            units.Short,
            over_time("sum(hub_http_requests_in_progress)"),
            "Requests that are being answered at this moment.",
            QUARTER,
        ),
    )
    yield (
        graph(
            "Requests by route",
            units.RequestsPerSecond,
            over_time(or_zero(f"sum by (route) (rate({REQUESTS}{RATE}))", "route"), "{{route}}"),
            description="`unmatched` are paths that the API does not have.",
        ),
        graph(
            "Requests by status",
            units.RequestsPerSecond,
            over_time(or_zero(f"sum by (status) (rate({REQUESTS}{RATE}))", "status"), "{{status}}"),
        ),
    )
    yield (
        graph(
            "Latency",
            units.Seconds,
            *(over_time(quantile(part), f"{part:.0%}") for part in (0.5, 0.9, 0.95, 0.99)),
            description="The time within which 50, 90, 95 and 99 % of the requests are answered.",
        ),
        graph(
            "Latency by route",
            units.Seconds,
            over_time(quantile(0.95, "route"), "{{route}}"),
            description="The time within which 95 % of each route's requests are answered.",
        ),
    )
    yield (
        graph(
            "Server errors by route",
            units.RequestsPerSecond,
            over_time(
                or_zero(f"sum by (route) (rate({SERVER_ERRORS}{RATE}))", "route"),
                "{{route}}",
            ),
            description="Answers with a status of 500 or more: the hub's own failures.",
            size=THIRD,
        ),
        graph(
            "Refused requests by status",
            units.RequestsPerSecond,
            over_time(
                or_zero(f"sum by (status) (rate({CLIENT_ERRORS}{RATE}))", "status"),
                "{{status}}",
            ),
            description="Answers with a status from 400 to 499: what clients got wrong.",
            size=THIRD,
        ),
        graph(
            "Rate-limit refusals",
            units.RequestsPerSecond,
            over_time(
                or_zero(f"sum by (policy) (rate(hub_rate_limit_refusals_total{RATE}))", "policy"),
                "{{policy}}",
            ),
            description="Requests that came too often, by the limit that they ran into.",
            size=THIRD,
        ),
    )


def _proxy() -> Iterator[Sequence[Panel]]:
    yield (
        graph(
            "Answers of the proxy",
            units.RequestsPerSecond,
            over_time(f"sum by (code) (rate({PROXY_ANSWERS}{RATE}))", "{{code}}"),
            description="By class of status, as clients get them. What is more here than above "
            "the proxy answered itself: no backend was there, or none in time.",
            size=WHOLE,
        ),
    )


def _inside() -> Iterator[Sequence[Panel]]:
    yield (
        graph(
            "Drafts by status",
            units.Short,
            over_time(or_zero("max by (status) (hub_drafts)", "status"), "{{status}}"),
            size=THIRD,
        ),
        graph(
            "Database pool",
            units.Short,
            over_time("sum by (pool, state) (hub_database_connections)", "{{pool}}: {{state}}"),
            over_time("sum by (pool) (hub_database_connections_max)", "{{pool}}: at most"),
            description="The backend's connections to the database. When all are in use, "
            "requests wait.",
            size=THIRD,
        ),
        graph(
            "Memory of the backend",
            units.BytesIEC,
            over_time('sum(process_resident_memory_bytes{job="backend"})', "resident"),
            size=THIRD,
        ),
    )


def _jobs() -> Iterator[Sequence[Panel]]:
    yield (
        graph(
            "Jobs: the last run failed",
            units.Short,
            over_time("max by (role) (hub_job_last_run_failed)", "{{role}}"),
            description="1 while the last run of migrations or importer has failed. "
            "The log says why: make logs ROLE=migrations.",
            size=THIRD,
        ),
        graph(
            "Jobs: time since the last run",
            units.Seconds,
            over_time("time() - max by (role) (hub_job_last_run_timestamp_seconds)", "{{role}}"),
            size=THIRD,
        ),
        rows(
            "The last import",
            table_of(or_zero("max by (kind, action) (hub_import_items)", "kind")),
            "What the last import that succeeded did, by kind of item. Needs `ontologyPath`.",
            size=THIRD,
        ),
    )


def _backups() -> Iterator[Sequence[Panel]]:
    yield (
        number(
            "The last dump is of",
            units.DateTimeFromNow,
            now("max(hub_backup_last_success_timestamp_seconds) * 1000"),
            size=Size(width=8, height=4),
        ),
        number(
            "Its size",
            units.BytesIEC,
            now("max(hub_backup_last_size_bytes)"),
            size=Size(width=8, height=4),
        ),
        number(
            "The next one is due",
            units.DateTimeFromNow,
            now("max(hub_backup_next_due_timestamp_seconds) * 1000"),
            size=Size(width=8, height=4),
        ),
    )
