"""What can be done with a draft: make it, find it, change it, say what it would change."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from app.config import Settings
from app.drafts.canonical import Canonical, Proposal
from app.drafts.diff import Diff, make_diff
from app.drafts.files import DraftFiles, files_of, sources_of
from app.drafts.patch import DraftPatch, merged
from app.drafts.payload import DraftPayload, DraftRequest, is_proposal
from app.drafts.remarks import Remark, remarks
from app.drafts.report import Report
from app.drafts.threads import ASSESSING, RENDERING, in_thread
from app.drafts.tokens import hash_of, new_token, same
from app.drafts.validation import validate
from app.models import Draft, DraftStatus
from app.queries import drafts
from app.queries.canonical import read_canonical

# A draft's content is nobody else's, and its answers change without a version.
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Assessment:
    """What a proposal would change, what is to be said about it, and the columns that keep both."""

    diff: Diff
    report: Report
    remarks: list[Remark]
    columns: dict[str, Any]


@dataclass(frozen=True)
class Created:
    """A new draft's token, which is kept nowhere, and its assessment if it is a proposal."""

    token: str
    expires_at: datetime
    assessment: Assessment | None


async def create(session: AsyncSession, request: DraftRequest, settings: Settings) -> Created:
    """Store a new draft."""
    token = new_token()
    payload, assessment = request.payload, None
    columns: dict[str, Any] = {
        "payload": payload,
        "source_wiki": request.source_wiki,
        "base_commit_sha": request.base_commit_sha,
    }
    if isinstance(payload, DraftPayload):
        assessment = await _assess(session, payload)
        columns = {
            "source_wiki": payload.wiki_url,
            "base_commit_sha": payload.base_version,
            **assessment.columns,
        }
    lifetime = timedelta(days=settings.draft_lifetime_days)
    expires_at = await drafts.add(session, hash_of(token), lifetime, columns)
    return Created(token, expires_at, assessment)


async def find(session: AsyncSession, token: str, *, lock: bool = False) -> Draft:
    """Return the living draft that the token opens.

    Raises the same 404 for whatever opens none: an unknown or malformed token, an expired one, a
    draft's id, a hash. Each takes the same way through the database.
    """
    capability_hash = hash_of(token)
    draft = await drafts.find(session, capability_hash, lock=lock)
    if draft is None or not same(draft.capability_hash, capability_hash):
        raise HTTPException(404, "Draft not found", headers=NO_STORE)
    return draft


async def change(session: AsyncSession, token: str, patch: DraftPatch, settings: Settings) -> Draft:
    """Merge the patch into the draft, assess it anew, and return it.

    Changes at once follow one another, and none is lost. Raises 404, 400 if the draft is no longer
    pending, RequestValidationError if it would not be one that could have been created.
    """
    draft = await find(session, token, lock=True)
    if draft.status is not DraftStatus.PENDING:
        raise HTTPException(400, "Can only update drafts in pending status", headers=NO_STORE)
    payload, size = await in_thread(ASSESSING, _merged, draft.payload, patch)
    if size > settings.max_body_bytes:
        reason = (
            f"the draft would be larger than {settings.max_body_bytes} bytes: make a second one"
        )
        raise RequestValidationError([{"type": "value_error", "loc": ("body",), "msg": reason}])
    assessment = await _assess(session, payload)
    # New objects, never the stored ones changed in place: of that the session would see nothing.
    draft.sqlmodel_update(assessment.columns)
    return draft


async def current_diff(session: AsyncSession, token: str) -> Diff:
    """Return what the draft would change in the ontology as it is now; nothing if it is opaque."""
    draft = await find(session, token)
    if not is_proposal(draft.payload):
        return Diff()
    proposal = await in_thread(ASSESSING, _proposal, draft.payload)
    canonical = await read_canonical(session, proposal)
    return await in_thread(
        ASSESSING, make_diff, canonical.touched, proposal.items, proposal.deleted
    )


async def files(session: AsyncSession, token: str) -> DraftFiles:
    """Return what the draft would change in the files of the source as it was last imported."""
    # One state of the database for all statements: an import may come between two of them.
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    diff = await current_diff(session, token)
    sources = await sources_of(session, diff)
    # The connection goes back before the long part: who waits for a thread must not keep one.
    await session.commit()
    return await in_thread(RENDERING, files_of, diff, sources)


def _proposal(payload: dict[str, Any]) -> Proposal:
    return Proposal.of(DraftPayload.model_validate(payload))


def _merged(payload: dict[str, Any], patch: DraftPatch) -> tuple[DraftPayload, int]:
    """Return the payload with the patch merged in, and its size in bytes."""
    whole = merged(payload, patch)
    return whole, len(whole.model_dump_json().encode())


async def _assess(session: AsyncSession, payload: DraftPayload) -> Assessment:
    # The largest drafts take a second: in a thread, so that other requests go on meanwhile.
    proposal = await in_thread(ASSESSING, Proposal.of, payload)
    canonical = await read_canonical(session, proposal)
    return await in_thread(ASSESSING, _assessed, payload, proposal, canonical)


def _assessed(payload: DraftPayload, proposal: Proposal, canonical: Canonical) -> Assessment:
    diff = make_diff(canonical.touched, proposal.items, proposal.deleted)
    report = validate(proposal, canonical, diff)
    kept = {"payload": payload, "diff_preview": diff, "validation_results": report}
    return Assessment(
        diff,
        report,
        list(remarks(payload.wiki_url, proposal, canonical)),
        {column: model.model_dump(mode="json") for column, model in kept.items()},
    )
