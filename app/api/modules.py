"""/modules: lists, one module, what it holds, shares and needs."""

from fastapi import Request, Response

from app.api.answers import json_answer
from app.api.problems import problems
from app.api.reading import ModuleId, Term, found
from app.api.routing import read_router
from app.api.shapes import ModuleDependencies, ModuleEntities
from app.conduct.policies import Policy, limited
from app.database import reader_of
from app.models import ModulePublic
from app.queries import modules as queries

router = read_router("modules")

_NOT_FOUND = "Module not found"
_MISSING = problems({404: _NOT_FOUND})


@router.get("/", include_in_schema=False)
@router.get("", response_model=list[ModulePublic])
@limited(Policy.ENTITY_LIST)
async def modules(request: Request, search: Term | None = None) -> Response:
    """List the modules, or those whose label holds `search`; by label."""
    return json_answer(request, await queries.modules(reader_of(request), search or ""))


@router.get("/{module_id}", response_model=ModulePublic, responses=_MISSING)
@limited(Policy.ENTITY_READ)
async def module(request: Request, module_id: ModuleId) -> Response:
    """Show one module."""
    text = await queries.module(reader_of(request), module_id)
    return json_answer(request, found(text, _NOT_FOUND))


@router.get("/{module_id}/entities/", include_in_schema=False)
@router.get("/{module_id}/entities", response_model=ModuleEntities, responses=_MISSING)
@limited(Policy.ENTITY_READ)
async def entities(request: Request, module_id: ModuleId) -> Response:
    """List a module's categories, and the properties and subobjects that these list themselves."""
    text = await queries.entities(reader_of(request), module_id)
    return json_answer(request, found(text, _NOT_FOUND))


@router.get("/{module_id}/overlaps/", include_in_schema=False)
@router.get("/{module_id}/overlaps", response_model=dict[str, list[str]], responses=_MISSING)
@limited(Policy.ENTITY_READ)
async def overlaps(request: Request, module_id: ModuleId) -> Response:
    """Show which of a module's categories other modules hold too, and which modules these are."""
    text = await queries.overlaps(reader_of(request), module_id)
    return json_answer(request, found(text, _NOT_FOUND))


@router.get("/{module_id}/dependencies/", include_in_schema=False)
@router.get("/{module_id}/dependencies", response_model=ModuleDependencies, responses=_MISSING)
@limited(Policy.ENTITY_READ)
async def dependencies(request: Request, module_id: ModuleId) -> Response:
    """Show all modules that a module needs, directly or not, and where they need one another."""
    text = await queries.dependencies(reader_of(request), module_id)
    return json_answer(request, found(text, _NOT_FOUND))
