"""What the service tells over HTTP: how the last dump went, and when the next is due."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, Metric, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from backup.names import DumpName, newest
from backup.schedule import Schedule

logger = logging.getLogger(__name__)

_App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class BackupMetrics(Collector):
    """Reads the folder at each scrape: it holds all there is to know, but for a failure."""

    failed = False  # the last dump that was due could not be made

    def __init__(self, folder: Path, stack: str, schedule: Schedule) -> None:
        self._folder = folder
        self._stack = stack
        self._schedule = schedule

    def collect(self) -> Iterator[Metric]:
        """Yield the four; those of the newest dump are absent where there is none to be seen."""
        now = datetime.now(UTC)
        yield GaugeMetricFamily(
            "hub_backup_last_run_failed",
            "Whether the dump that was due last could not be made.",
            value=self.failed,
        )
        try:
            made = newest(self._folder, self._stack, now)
            size = made[1].stat().st_size if made else 0
        except OSError:  # the folder is gone, or the dump is while we look
            made, size = None, 0
        yield GaugeMetricFamily(
            "hub_backup_next_due_timestamp_seconds",
            "When the next dump is due, in seconds since 1970; in the past if it is overdue.",
            value=self._due(made, now).timestamp(),
        )
        if made is not None:
            yield GaugeMetricFamily(
                "hub_backup_last_success_timestamp_seconds",
                "When the newest dump was begun, in seconds since 1970.",
                value=made[0].at.timestamp(),
            )
            yield GaugeMetricFamily(
                "hub_backup_last_size_bytes", "Size of the newest dump.", value=size
            )

    def _due(self, made: tuple[DumpName, Path] | None, now: datetime) -> datetime:
        last = self._schedule.last_due(now)
        return self._schedule.next_due(now) if made and made[0].at >= last else last


def serve(port: int, metrics: BackupMetrics) -> None:
    """Serve /metrics, with the process' own, and /health; a port that is taken is only logged.

    /health is 200, or 503 while the dump that was due last could not be made.
    """
    REGISTRY.register(metrics)
    try:
        # All addresses: in a container, where its networks say who may come.
        server, _ = start_http_server(port, addr="0.0.0.0")  # noqa: S104
    except OSError as error:
        logger.error("HTTP_PORT %d cannot be listened on (%s)", port, error.strerror)
    else:
        # Who connects and says nothing holds a thread for no longer than this; in seconds.
        server.RequestHandlerClass.timeout = 5  # type: ignore[attr-defined]  # socketserver's
        server.set_app(_paths(server.get_app(), metrics))


def _paths(told: Any, metrics: BackupMetrics) -> _App:
    """Return what answers each path as it shall be; `told`, the library's, answers all alike."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                answered: Iterable[bytes] = told(environ, start_response)
                return answered
            case "/health":
                status, text = (
                    ("503 Service Unavailable", b"The last dump failed.\n")
                    if metrics.failed
                    else ("200 OK", b"Well.\n")
                )
            case _:
                status, text = "404 Not Found", b"There are /metrics and /health.\n"
        start_response(status, [("Content-Type", "text/plain")])
        return [text]

    return answer
