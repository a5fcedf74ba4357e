"""`/`, `/entity`, `/module`: what the hub holds, a search, a page for each entity and module.

`/` answers programs with a small index instead. A page asks the database's probe first: where the
database is silent, a reader waits for the probe's time only, not for a request's.
"""

import json
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.answers import VARY_ACCEPT, json_answer
from app.api.health import DatabaseProbe
from app.api.routing import ReadRoute
from app.conduct.policies import Policy, limited
from app.config import get_settings
from app.database import reader_of
from app.errors import RETRY, ProblemResponse
from app.frontdoor.drawing import draw
from app.frontdoor.rendering import error_page, page, prefers_html
from app.frontdoor.services import Service, StackStatus, rows
from app.models import EntityType
from app.queries import pages, relations
from app.queries.search import search

router = APIRouter(tags=["index"], route_class=ReadRoute)

_HITS = 20


class Index(BaseModel):
    """What the hub is, what it holds, and where things are."""

    name: str
    version: str
    entities: dict[EntityType, int] = Field(description="How many of each type; none: left out")
    modules: int
    profiles: int
    links: dict[str, str] = Field(description="Addresses, absolute or of this host")


@router.get("/", response_model=Index, responses={200: {"content": {"text/html": {}}}})
@limited(Policy.ENTITY_LIST)
async def home(
    request: Request, q: Annotated[str, Query(include_in_schema=False)] = ""
) -> Response:
    """Show what the hub holds: an index, or to whoever prefers text/html a page with a search."""
    await _database_answers(request)
    reader = reader_of(request)
    held = await pages.holdings(reader)
    if not prefers_html(request):
        return json_answer(request, _index(request, held), VARY_ACCEPT)
    term = q.strip()
    hits: list[dict[str, Any]] | None = None
    if term:
        if not 2 <= len(term) <= 100 or min(term) < " ":
            raise HTTPException(422, "Search for 2 to 100 characters, all of them on one line.")
        hits = json.loads(await search(reader, term, None, _HITS))["items"]
    services = await _services(request, True) if hits is None else None
    return page(request, "home.html", held=held, hits=hits, most=_HITS, services=services)


@router.get("/entity", include_in_schema=False)
@limited(Policy.ENTITY_READ)
async def entity(
    request: Request,
    entity_type: Annotated[EntityType, Query(alias="type")],
    entity_id: Annotated[str, Query(alias="id")],
) -> Response:
    """Show an entity and what is related to it; a category's inheritance as a picture."""
    await _database_answers(request)
    reader = reader_of(request)
    shown = await pages.entity(reader, entity_type, entity_id)
    if shown is None:
        raise HTTPException(404, "The hub holds no such entity.")
    picture = None
    if entity_type is EntityType.CATEGORY:
        family = await relations.inheritance(reader, entity_id)
        # Deleted between the two statements, it has no picture.
        picture = None if family is None else draw(json.loads(family))
    return page(request, "entity.html", entity=shown, picture=picture)


@router.get("/module", include_in_schema=False)
@limited(Policy.ENTITY_READ)
async def module(request: Request, module_id: Annotated[str, Query(alias="id")]) -> Response:
    """Show a module, its categories and what it needs."""
    await _database_answers(request)
    shown = await pages.module(reader_of(request), module_id)
    if shown is None:
        raise HTTPException(404, "The hub holds no such module.")
    return page(request, "entity.html", entity=shown, picture=None)


async def as_page(request: Request, problem: ProblemResponse) -> Response:
    """Return a problem as a page where a browser has asked for one, else as it is.

    The API answers problems to browsers too: who asks there wants to see what programs see.
    """
    in_api = request.url.path.startswith(f"{get_settings().api_v1_prefix}/")
    if in_api or not prefers_html(request):
        return problem
    out = getattr(request.state, "database_out", False)
    services = await _services(request, False) if out else None
    answer = error_page(request, json.loads(bytes(problem.body)), services)
    for name in ("allow", "retry-after"):
        if name in problem.headers:
            answer.headers[name] = problem.headers[name]
    return answer


async def _services(request: Request, database: bool) -> list[Service]:
    status: StackStatus = request.app.state.stack_status
    return rows(get_settings(), database, await status.answers())


async def _database_answers(request: Request) -> None:
    probe: DatabaseProbe = request.app.state.database_probe
    if not await probe.connected():
        request.state.database_out = True  # the page that says so tells how the rest is
        raise HTTPException(503, "The database does not answer.", RETRY)


def _index(request: Request, held: dict[str, Any]) -> str:
    settings = get_settings()
    prefix = settings.api_v1_prefix
    links = {
        "entities": f"{prefix}/entities",
        "modules": f"{prefix}/modules",
        "profiles": f"{prefix}/profiles",
        "docs": "/docs",
        "openapi": "/openapi.json",
        "health": "/health",
        "pgadmin": settings.pgadmin_url,
        "grafana": settings.grafana_url,
    }
    index = Index(
        name=request.app.title,
        version=request.app.version,
        entities=held["entities"],
        modules=held["modules"],
        profiles=held["profiles"],
        links={name: str(address) for name, address in links.items() if address is not None},
    )
    return index.model_dump_json()
