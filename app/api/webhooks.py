"""What a forge calls when its repository has changed."""

import hashlib
import hmac
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.api.problems import problems
from app.config import get_settings
from app.resync import ResyncDep

_NO_JSON = "The body is no JSON: set the webhook's content type to application/json."

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


class PushedCommit(BaseModel):
    """The paths that a commit touches."""

    added: list[str] = []
    modified: list[str] = []
    removed: list[str] = []


class Push(BaseModel):
    """A push event: what the hub reads of it."""

    commits: list[PushedCommit] = []
    forced: bool = False

    def paths(self) -> set[str]:
        """Return every path that a commit of the push touches."""
        return {
            path
            for commit in self.commits
            for path in (*commit.added, *commit.modified, *commit.removed)
        }


class Ignored(BaseModel):
    """Another event than a push."""

    status: Literal["ignored"] = "ignored"
    event: str


class Skipped(BaseModel):
    """A push, but there is nothing to read."""

    status: Literal["skipped"] = "skipped"
    event: Literal["push"] = "push"
    reason: Literal["Ontology source not configured"] = "Ontology source not configured"


class Accepted(BaseModel):
    """A push: the configured source is being read again. Its result is logged."""

    status: Literal["accepted"] = "accepted"
    event: Literal["push"] = "push"
    files_changed: int
    forced: bool
    message: Literal["Sync triggered in background"] = "Sync triggered in background"


async def signed_body(
    request: Request,
    x_hub_signature_256: Annotated[
        str | None, Header(description='"sha256=" and the HMAC-SHA256 of the body, in hex')
    ] = None,
) -> bytes:
    """Return the body as it was sent, if it is signed with the configured secret."""
    secret = get_settings().webhook_secret
    if secret is None:
        raise HTTPException(503, "No webhook secret is configured: set WEBHOOK_SECRET_FILE.")
    if x_hub_signature_256 is None:
        raise HTTPException(403, "Missing signature header")
    body = await request.body()
    digest = hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256)
    expected = f"sha256={digest.hexdigest()}".encode()
    # As bytes: compare_digest takes no text beyond ASCII.
    if not hmac.compare_digest(x_hub_signature_256.encode("latin-1"), expected):
        raise HTTPException(403, "Invalid signature")
    return body


def _declared_body() -> dict[str, Any]:
    """Return the body's declaration: FastAPI, which would read it unsigned, is not told of it."""
    schema = Push.model_json_schema()
    # References would be looked up in the whole of the API's description, where it is not.
    schema["properties"]["commits"]["items"] = schema.pop("$defs")["PushedCommit"]
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


@router.post(
    "/github",
    openapi_extra=_declared_body(),
    responses=problems(
        {
            403: "Missing signature header, or Invalid signature",
            503: "No webhook secret is configured",
        }
    ),
)
async def github(
    resync: ResyncDep,
    body: Annotated[bytes, Depends(signed_body)],
    x_github_event: Annotated[str, Header()] = "unknown",
) -> Ignored | Skipped | Accepted:
    """Take a signed event. After a push the configured source is read again, in the background."""
    if x_github_event != "push":
        return Ignored(event=x_github_event)
    if resync is None:
        return Skipped()
    push = _push(body)
    resync.start()
    return Accepted(files_changed=len(push.paths()), forced=push.forced)


def _push(body: bytes) -> Push:
    try:
        return Push.model_validate_json(body)
    except ValidationError as error:
        faults: list[Any] = error.errors(include_url=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        raise HTTPException(400, _NO_JSON)
    raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in faults])
