"""The application: `uvicorn app.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

from app.api import admin, drafts, entities, health, modules, profiles, versions, webhooks
from app.api.problems import declare_problems
from app.api.routing import add_reads, answer_head
from app.conduct.exchange import Conduct
from app.conduct.policies import Limits
from app.config import Settings, get_settings
from app.database import Reader, engine, read_pool
from app.drafts import expiry
from app.errors import add_error_handlers
from app.frontdoor import routes as frontdoor
from app.frontdoor.services import StackStatus
from app.logs import configure_logging
from app.metrics.database import DatabaseMetrics
from app.metrics.server import serving
from app.resync import Resync
from app.versions.sources import history_of


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold what lives as long as the process, and close it at the end."""
    settings = get_settings()
    app.state.database_probe = health.DatabaseProbe(settings)
    reads = await read_pool(settings)
    app.state.reader = Reader(reads)
    source = settings.ontology_path
    app.state.stack_status = StackStatus(settings.status_url, settings.request_timeout)
    app.state.history = history_of(source, app.state.reader)
    app.state.resync = None if source is None else Resync(source)
    metrics = DatabaseMetrics(settings, engine, reads, app.state.reader, app.state.database_probe)
    try:
        async with (
            serving(settings.metrics_port, metrics),
            expiry.sweeping(settings.draft_sweep_interval, app.state.limits),
        ):
            yield
    finally:
        metrics.close()
        if app.state.resync is not None:
            await app.state.resync.close()
        await reads.close()
        await app.state.database_probe.close()
        await engine.dispose()


def create_app(settings: Settings) -> FastAPI:
    """Put the application together; connects to nothing yet."""
    configure_logging(settings.log_level)
    # FastAPIOffline serves Swagger UI from its own package instead of from a foreign host, so
    # that /docs works without the internet. validatorUrl: no badge of a foreign host either.
    app = FastAPIOffline(
        title="Ontology Hub",
        debug=settings.debug,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        swagger_ui_parameters={"validatorUrl": None},
        # Nothing collects them, and each request would pay for the question.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.limits = Limits(settings)
    add_error_handlers(app, frontdoor.as_page)
    declare_problems(app)
    # First, and the most asked for before the others: routes are tried in their order.
    add_reads(
        app, entities.router, modules.router, profiles.router, versions.router, frontdoor.router
    )
    app.include_router(health.router)
    app.include_router(api_router(), prefix=settings.api_v1_prefix)
    app.include_router(admin.router, include_in_schema=False)  # where the first hubs had it
    answer_head(app)
    app.middleware_stack = Conduct(app.build_middleware_stack(), settings, app.state.limits)
    return app


def api_router() -> APIRouter:
    """Return the routes of version 1 of the API."""
    router = APIRouter()
    for group in (admin, drafts, webhooks):
        router.include_router(group.router)
    return router


app = create_app(get_settings())
