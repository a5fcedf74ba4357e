"""The versions of the ontology's source, and what changed from one to another."""

from collections.abc import Awaitable
from typing import Annotated

from fastapi import HTTPException, Query, Request, Response

from app.api.answers import json_answer
from app.api.problems import problems
from app.api.routing import read_router
from app.conduct.policies import Policy, limited
from app.versions.history import History, NoHistory, UnknownVersion, UnreadableHistory
from app.versions.models import VersionDiff, VersionPublic

router = read_router("versions")

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


@router.get("/", include_in_schema=False)
@router.get("", response_model=list[VersionPublic], responses=problems(_UNAVAILABLE))
@limited(Policy.ENTITY_LIST)
async def list_versions(request: Request) -> Response:
    """The newest 30 versions, newest first."""
    return json_answer(request, await _known(_history(request).versions()))


@router.get("/diff/", include_in_schema=False)
@router.get("/diff", response_model=VersionDiff, responses=problems(_MISSING | _UNAVAILABLE))
@limited(Policy.ENTITY_READ)
async def diff_versions(request: Request, old: Name, new: Name) -> Response:
    """The files that differ, by kind, each with the whole of what it says on both sides."""
    return json_answer(request, await _known(_history(request).diff(old, new)))


def _history(request: Request) -> History:
    history: History = request.app.state.history
    return history


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
