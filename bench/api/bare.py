"""What the API is measured against: Starlette, asyncpg, and not a line more than the answer needs.

`uvicorn bench.api.bare:app`. It checks nothing, limits nothing, logs nothing and knows no errors;
PostgreSQL writes the JSON, as it does for the API, since that is the quickest way known.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped]  # it has none
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

DATABASE = "BENCH_DATABASE_URL"
POOL_SIZE = 10

_COLUMNS = (
    "entity_id, entity_type, label, description, schema_definition, id, commit_sha,"
    " created_at, updated_at"
)
ENTITY = (
    f"SELECT row_to_json(e)::text FROM (SELECT {_COLUMNS} FROM entities"
    " WHERE entity_type = $1::entitytype AND entity_id = $2 AND deleted_at IS NULL) e"
)
PAGE = "SELECT"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Hold the pool."""
    async with asyncpg.create_pool(
        os.environ[DATABASE],
        min_size=0,
        max_size=POOL_SIZE,
        server_settings={"timezone": "UTC"},
        reset=_nothing_to_reset,
    ) as pool:
        app.state.pool = pool
        yield


async def _nothing_to_reset(connection: asyncpg.Connection) -> None:
    # As in the API: a second round trip for each request would flatter it.
    return


async def entity(request: Request) -> Response:
    """An entity by its id."""
    path = request.path_params
    body = await request.app.state.pool.fetchval(ENTITY, path["entity_type"], path["entity_id"])
    return Response(body, media_type="application/json")


async def page(request: Request) -> Response:
    """A page of entities."""
    query = request.query_params
    body = await request.app.state.pool.fetchval(
        PAGE, request.path_params["entity_type"], query.get("cursor", ""), int(query["limit"])
    )
    return Response(body, media_type="application/json")


app = Starlette(
    routes=[
        Route("/api/v1/entities/{entity_type}", page),
        Route("/api/v1/entities/{entity_type}/{entity_id}", entity),
    ],
    lifespan=lifespan,
)
