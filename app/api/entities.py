"""/entities: counts, pages, search, one entity and what is related to it."""

from typing import Annotated

from fastapi import HTTPException, Query, Request, Response

from app.api.answers import json_answer
from app.api.problems import problems
from app.api.reading import Cursor, EntityId, Limit, Term, found
from app.api.routing import read_router
from app.api.shapes import EntityPage, Inheritance, Overview
from app.conduct.policies import Policy, limited
from app.database import reader_of
from app.models import EntityPublic, EntityType, ModulePublic
from app.queries import entities as queries
from app.queries import relations
from app.queries.search import search as search_query

router = read_router("entities")

_NOT_FOUND = "Entity not found"
_MISSING = problems({404: _NOT_FOUND})


@router.get("/{entity_type}/{entity_id}", response_model=EntityPublic, responses=_MISSING)
@limited(Policy.ENTITY_READ)
async def one(request: Request, entity_type: EntityType, entity_id: EntityId) -> Response:
    """Show one entity."""
    text = await queries.one(reader_of(request), entity_type, entity_id)
    return json_answer(request, found(text, _NOT_FOUND))


# Each collection and relation answers with and without the slash at its end; the docs show the
# latter.
@router.get("/", include_in_schema=False)
@router.get("", response_model=Overview)
@limited(Policy.ENTITY_LIST)
async def overview(request: Request) -> Response:
    """Count the entities of each type."""
    return json_answer(request, await queries.overview(reader_of(request)))


# Before the pages: no type is called "search".
@router.get("/search/", include_in_schema=False)
@router.get("/search", response_model=EntityPage)
@limited(Policy.ENTITY_LIST)
async def search(
    request: Request,
    q: Term,
    entity_type: Annotated[EntityType | None, Query(description="Search these only")] = None,
    limit: Limit = 20,
) -> Response:
    """Find entities by a part of their id, label or description, in any case; by label.

    One page at most: `next_cursor` is null.
    """
    text = await search_query(reader_of(request), q, entity_type, limit)
    return json_answer(request, text)


@router.get("/{entity_type}/", include_in_schema=False)
@router.get("/{entity_type}", response_model=EntityPage)
@limited(Policy.ENTITY_LIST)
async def page(
    request: Request, entity_type: EntityType, cursor: Cursor = "", limit: Limit = 20
) -> Response:
    """List the entities of a type by id, a page at a time."""
    text = await queries.page(reader_of(request), entity_type, cursor, limit)
    return json_answer(request, text)


@router.get("/category/{entity_id}/inheritance/", include_in_schema=False)
@router.get("/category/{entity_id}/inheritance", response_model=Inheritance, responses=_MISSING)
@limited(Policy.ENTITY_READ)
async def inheritance(request: Request, entity_id: EntityId) -> Response:
    """Show a category with all its ancestors and its direct children.

    A parent that is missing has an edge and no node. `has_circular` tells of a loop among them.
    """
    text = await relations.inheritance(reader_of(request), entity_id)
    return json_answer(request, found(text, _NOT_FOUND))


@router.get("/{entity_type}/{entity_id}/used-by/", include_in_schema=False)
@router.get(
    "/{entity_type}/{entity_id}/used-by",
    response_model=list[EntityPublic],
    responses={400: {"description": "The type is category"}, **_MISSING},
)
@limited(Policy.ENTITY_READ)
async def used_by(request: Request, entity_type: EntityType, entity_id: EntityId) -> Response:
    """List the categories that use a property or subobject, by label."""
    if entity_type is EntityType.CATEGORY:
        raise HTTPException(400, "used-by only applies to properties and subobjects")
    text = await relations.used_by(reader_of(request), entity_type, entity_id)
    return json_answer(request, found(text, _NOT_FOUND))


@router.get("/{entity_type}/{entity_id}/modules/", include_in_schema=False)
@router.get(
    "/{entity_type}/{entity_id}/modules", response_model=list[ModulePublic], responses=_MISSING
)
@limited(Policy.ENTITY_READ)
async def modules(request: Request, entity_type: EntityType, entity_id: EntityId) -> Response:
    """List the modules that hold a category, or a category that uses the entity; by label."""
    text = await relations.modules_of(reader_of(request), entity_type, entity_id)
    return json_answer(request, found(text, _NOT_FOUND))
