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

from app.queries.public import ENTITY

DATABASE = "BENCH_DATABASE_URL"
POOL_SIZE = 10

_ENTITY = f"""
SELECT row_to_json(entity) FROM (
    SELECT {ENTITY} FROM entities
    WHERE entity_type = $1 AND entity_id = $2 AND deleted_at IS NULL
) AS entity
"""  # noqa: S608
_PAGE = f"""
WITH page AS (
    SELECT {ENTITY} FROM entities
    WHERE entity_type = $1 AND deleted_at IS NULL AND entity_id COLLATE "C" > $2
    ORDER BY entity_id COLLATE "C" LIMIT $3 + 1
), placed AS (
    SELECT page.entity_id, row_to_json(page) AS item, row_number() OVER () AS place FROM page
)
SELECT json_build_object(
    'items', coalesce(json_agg(item ORDER BY place) FILTER (WHERE place <= $3), '[]'),
    'next_cursor', max(entity_id) FILTER (WHERE place = $3 AND (SELECT count(*) FROM page) > $3),
    'has_next', count(*) > $3
) FROM placed
"""  # noqa: S608


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
    body = await request.app.state.pool.fetchval(_ENTITY, path["entity_type"], path["entity_id"])
    return Response(body, media_type="application/json")


async def page(request: Request) -> Response:
    """A page of entities."""
    query = request.query_params
    body = await request.app.state.pool.fetchval(
        _PAGE, request.path_params["entity_type"], query.get("cursor", ""), int(query["limit"])
    )
    return Response(body, media_type="application/json")


app = Starlette(
    routes=[
        Route("/api/v1/entities/{entity_type}", page),
        Route("/api/v1/entities/{entity_type}/{entity_id}", entity),
    ],
    lifespan=lifespan,
)
