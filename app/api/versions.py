"""The versions of the ontology's source, and what changed from one to another."""

from collections.abc import Awaitable
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from app.api.answers import CONDITIONAL, NOT_MODIFIED, json_answer
from app.api.problems import problems
from app.conduct.policies import Policy, limited
from app.versions.history import History, NoHistory, UnknownVersion, UnreadableHistory
from app.versions.models import VersionDiff, VersionPublic

router = APIRouter(prefix="/versions", tags=["versions"])


async def get_history(request: Request) -> History:
    """Return the source's history."""
    history: History = request.app.state.history
    return history


HistoryDep = Annotated[History, Depends(get_history)]

# Longer than any name that a file system lets a branch have; no control characters: PostgreSQL
# takes no NUL.
Name = Annotated[
    str,
    Query(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="A tag, a branch, or at least the first four characters of a commit's id",
    ),
]


_NO_HISTORY = "GitHub client not configured"

_UNAVAILABLE = {503: f"{_NO_HISTORY}, or what there is cannot be read"}
_MISSING = {404: "Version not found"}


# HEAD as on the other reading routes; the server leaves the body out.
@router.head("/", include_in_schema=False)
@router.head("", include_in_schema=False)
@router.get("/", include_in_schema=False)
@router.get(
    "",
    response_model=list[VersionPublic],
    responses=NOT_MODIFIED | problems(_UNAVAILABLE),
    openapi_extra=CONDITIONAL,
)
@limited(Policy.ENTITY_LIST)
async def list_versions(request: Request, history: HistoryDep) -> Response:
    """The newest 30 versions, newest first."""
    return json_answer(request, await _known(history.versions()))


@router.head("/diff/", include_in_schema=False)
@router.head("/diff", include_in_schema=False)
@router.get("/diff/", include_in_schema=False)
@router.get(
    "/diff",
    response_model=VersionDiff,
    responses=NOT_MODIFIED | problems(_MISSING | _UNAVAILABLE),
    openapi_extra=CONDITIONAL,
)
@limited(Policy.ENTITY_READ)
async def diff_versions(request: Request, history: HistoryDep, old: Name, new: Name) -> Response:
    """The files that differ, by kind, each with the whole of what it says on both sides."""
    return json_answer(request, await _known(history.diff(old, new)))


async def _known(answer: Awaitable[str]) -> str:
    try:
        return await answer
    except NoHistory:
        raise HTTPException(503, _NO_HISTORY) from None
    except UnreadableHistory as error:
        raise HTTPException(503, str(error)) from None
    except UnknownVersion as error:
        detail = f"Version not found: `{error.parameter}` names no single version of the source."
        raise HTTPException(404, detail) from None
