"""What only the operator may do: with the bearer secret of the settings."""

import asyncio
import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.api.problems import problems
from app.conduct.exchange import without_time_limit
from app.config import get_settings
from app.resync import ImportFailed, ImportSummary, ResyncDep

_bearer = HTTPBearer(auto_error=False, description="The secret in ADMIN_SECRET_FILE")


async def operator(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Let the request pass if it bears the secret; without a configured one nobody passes."""
    secret = get_settings().admin_secret
    if secret is None:
        raise HTTPException(503, "No admin secret is configured: set ADMIN_SECRET_FILE.")
    if credentials is None:
        detail = "This route takes the admin secret, as `Authorization: Bearer SECRET`."
        raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
    # Starlette reads headers as latin-1: this gives back the bytes that were sent.
    given = credentials.credentials.encode("latin-1")
    if not hmac.compare_digest(given, secret.get_secret_value().encode()):
        raise HTTPException(
            401, "The admin secret is wrong.", {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        )


router = APIRouter(
    prefix="/admin",
    tags=["admin"],
    dependencies=[Depends(operator)],
    responses=problems({401: "The admin secret is missing or wrong"}),
)


@router.post(
    "/sync",
    # After the secret, so that nobody else gets the time.
    dependencies=[Depends(without_time_limit)],
    responses=problems(
        {
            502: "The source cannot be imported; nothing has changed",
            503: "No admin secret or no source is configured",
        }
    ),
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
