"""The metrics' own port, which only the stack's inner network reaches."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import REGISTRY, start_http_server
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

_App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@asynccontextmanager
async def serving(port: int | None, collector: Collector) -> AsyncIterator[None]:
    """Serve the process' metrics and the collector's until the block ends; nothing without a port.

    In a thread of the library's: a scrape is answered whatever the event loop does. A port that
    cannot be had is logged and leaves the hub without metrics: it is no reason not to serve.
    """
    server = None if port is None else _start(port)
    if server is None:
        yield
        return
    REGISTRY.register(collector)
    try:
        yield
    finally:
        await asyncio.to_thread(server.shutdown)  # it waits up to half a second
        server.server_close()
        REGISTRY.unregister(collector)


def _start(port: int) -> WSGIServer | None:
    try:
        # All addresses: in a container, where its networks say who may come.
        server, _ = start_http_server(port, addr="0.0.0.0")  # noqa: S104
    except OSError as error:
        logger.error(
            "no metrics: METRICS_PORT %d cannot be listened on (%s); name a free one, and restart",
            *(port, error.strerror),
        )
        return None
    server.set_app(_only_metrics(server.get_app()))
    return server


def _only_metrics(app: Any) -> _App:
    """Refuse every other path; the library answers all alike."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            answered: Iterable[bytes] = app(environ, start_response)
            return answered
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Only /metrics is here.\n"]

    return answer
