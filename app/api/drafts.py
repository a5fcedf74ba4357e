"""Drafts: whoever knows a draft's token reads and changes it; nobody else learns that it exists."""

from fastapi import APIRouter, Depends, Request, Response
from starlette.convertors import StringConvertor, register_url_convertor

from app.api.problems import problems
from app.conduct.policies import Policy, limited
from app.conduct.windows import spend
from app.config import get_settings
from app.database import SessionDep
from app.drafts import service
from app.drafts.answers import DraftCreated, ProposalCreated
from app.drafts.diff import Diff
from app.drafts.files import DraftFiles
from app.drafts.patch import DraftPatch
from app.drafts.payload import DraftRequest
from app.drafts.strict_json import JsonRoute
from app.models import Draft, DraftPublic


class _TokenConvertor(StringConvertor):
    """Any text, one with slashes too, except what is the address of a draft's diff or files."""

    # From the token's start, not by a look behind: `diff` alone is a token like any other.
    regex = "(?!.*/(?:diff|files)$).*"


register_url_convertor("draft_token", _TokenConvertor())


async def no_store(response: Response) -> None:
    """Keep the answer out of every cache."""
    response.headers.update(service.NO_STORE)


router = APIRouter(
    prefix="/drafts", tags=["drafts"], route_class=JsonRoute, dependencies=[Depends(no_store)]
)


_NOT_FOUND = {404: "No draft is opened by this token"}
_NOT_PENDING = {400: "The draft is not in pending status"}


@router.post("", status_code=201, responses=problems({429: "This client has asked too often"}))
@router.post("/", status_code=201, include_in_schema=False)
async def create_draft(
    request: Request, body: DraftRequest, session: SessionDep
) -> ProposalCreated | DraftCreated:
    """Make a draft; the answer alone tells its token."""
    settings = get_settings()
    await spend(session, request, Policy.DRAFT_CREATE)
    created = await service.create(session, body, settings)
    path = f"{settings.api_v1_prefix}/drafts#{created.token}"
    url = f"{request.url.scheme}://{request.url.netloc}{path}"
    if created.assessment is None:
        return DraftCreated(capability_url=url, expires_at=created.expires_at)
    return ProposalCreated(
        capability_url=url,
        expires_at=created.expires_at,
        diff_preview=created.assessment.diff,
        validation_results=created.assessment.report,
        validation_warnings=created.assessment.remarks,
    )


# `:path` and `:draft_token`, so that a token with a slash in it is unknown like any other.
@router.get("/{token:path}/diff", responses=problems(_NOT_FOUND))
@limited(Policy.DRAFT_READ)
async def get_diff(request: Request, token: str, session: SessionDep) -> Diff:
    """Return what the draft would change in the ontology as it is now."""
    return await service.current_diff(session, token)


@router.get("/{token:path}/files", responses=problems(_NOT_FOUND))
@limited(Policy.DRAFT_READ)
async def get_files(request: Request, token: str, session: SessionDep) -> DraftFiles:
    """Return what the draft would change in the source's repository: files, and one patch."""
    return await service.files(session, token)


@router.get("/{token:draft_token}", response_model=DraftPublic, responses=problems(_NOT_FOUND))
@limited(Policy.DRAFT_READ)
async def get_draft(request: Request, token: str, session: SessionDep) -> Draft:
    """Return the draft as it was last changed."""
    return await service.find(session, token)


@router.patch(
    "/{token:draft_token}",
    response_model=DraftPublic,
    responses=problems(_NOT_FOUND | _NOT_PENDING),
)
@limited(Policy.DRAFT_READ)
async def patch_draft(request: Request, token: str, body: DraftPatch, session: SessionDep) -> Draft:
    """Merge changes into the draft by id; diff and report are made anew."""
    return await service.change(session, token, body, get_settings())
