"""What only the operator may do: with the bearer secret of the settings."""

import asyncio
import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.config import Settings, get_settings
from app.resync import ImportFailed, ImportSummary, ResyncDep

_bearer = HTTPBearer(auto_error=False, description="The secret in ADMIN_SECRET_FILE")


def operator(
    settings: Annotated[Settings, Depends(get_settings)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Let the request pass if it bears the secret; without a configured one nobody passes."""
    if settings.admin_secret is None:
        raise HTTPException(503, "No admin secret is configured: set ADMIN_SECRET_FILE.")
    if credentials is None:
        detail = "This route takes the admin secret, as `Authorization: Bearer SECRET`."
        raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
    secret = settings.admin_secret.get_secret_value().encode()
    # Starlette reads headers as latin-1: this gives back the bytes that were sent.
    if not hmac.compare_digest(credentials.credentials.encode("latin-1"), secret):
        raise HTTPException(
            401, "The admin secret is wrong.", {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        )


router = APIRouter(
    prefix="/admin",
    tags=["admin"],
    dependencies=[Depends(operator)],
    responses={401: {"description": "The admin secret is missing or wrong"}},
)


@router.post(
    "/sync",
    responses={
        502: {"description": "The source cannot be imported; nothing has changed"},
        503: {"description": "No admin secret or no source is configured"},
    },
)
async def sync(resync: ResyncDep) -> ImportSummary:
    """Read the configured source again, as it is now, and answer when it has been imported.

    Whoever asks while an import runs waits for the one after it. An import that fails changes
    nothing; a client that goes away does not stop it.
    """
    if resync is None:
        raise HTTPException(503, "No source is configured: set ONTOLOGY_PATH.")
    try:
        # shield: others may wait for the same import.
        return await asyncio.shield(resync.start())
    except ImportFailed as error:
        raise HTTPException(502, f"The source cannot be imported: {error}") from None
