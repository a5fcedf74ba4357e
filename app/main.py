"""The application: `uvicorn app.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline

from app.api import entities, health, modules, profiles
from app.config import Settings, get_settings
from app.database import Reader, engine, read_pool
from app.errors import add_error_handlers
from app.logs import AccessLog, configure_logging


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold what lives as long as the process, and close it at the end."""
    settings = get_settings()
    app.state.database_probe = health.DatabaseProbe(settings)
    reads = await read_pool(settings)
    app.state.reader = Reader(reads, settings.database_pool_timeout)
    try:
        yield
    finally:
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
    )
    add_error_handlers(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
        )
    app.add_middleware(AccessLog)  # added last, so outermost: it sees CORS' own answers too
    app.include_router(health.router)
    app.include_router(api_router(), prefix=settings.api_v1_prefix)
    return app


def api_router() -> APIRouter:
    """Return the routes of version 1 of the API."""
    router = APIRouter()
    for part in (entities, modules, profiles):
        router.include_router(part.router)
    return router


app = create_app(get_settings())
