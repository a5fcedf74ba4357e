"""/profiles: lists, one profile, its modules."""

from fastapi import Request, Response

from app.api.answers import json_answer
from app.api.problems import problems
from app.api.reading import ProfileId, Term, found
from app.api.routing import read_router
from app.conduct.policies import Policy, limited
from app.database import reader_of
from app.models import ModulePublic, ProfilePublic
from app.queries import profiles as queries

router = read_router("profiles")

_NOT_FOUND = "Profile not found"
_MISSING = problems({404: _NOT_FOUND})


@router.get("/", include_in_schema=False)
@router.get("", response_model=list[ProfilePublic])
@limited(Policy.ENTITY_LIST)
async def profiles(request: Request, search: Term | None = None) -> Response:
    """List the profiles, or those whose label holds `search`; by label."""
    return json_answer(request, await queries.profiles(reader_of(request), search or ""))


@router.get("/{profile_id}", response_model=ProfilePublic, responses=_MISSING)
@limited(Policy.ENTITY_READ)
async def profile(request: Request, profile_id: ProfileId) -> Response:
    """Show one profile."""
    text = await queries.profile(reader_of(request), profile_id)
    return json_answer(request, found(text, _NOT_FOUND))


@router.get("/{profile_id}/modules/", include_in_schema=False)
@router.get("/{profile_id}/modules", response_model=list[ModulePublic], responses=_MISSING)
@limited(Policy.ENTITY_READ)
async def modules(request: Request, profile_id: ProfileId) -> Response:
    """List a profile's modules, by label; ids that no module has are left out."""
    text = await queries.modules(reader_of(request), profile_id)
    return json_answer(request, found(text, _NOT_FOUND))
