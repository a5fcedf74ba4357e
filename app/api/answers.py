"""Answers made of JSON text that the database has written."""

from hashlib import blake2b

from fastapi import Request, Response

# The reader must ask again each time, and is told cheaply when nothing has changed.
_CACHE_CONTROL = "no-cache"


def json_answer(request: Request, body: str) -> Response:
    """Return the JSON text as the answer, or 304 where the client holds it already.

    The ETag is over the body's bytes: equal tags mean equal answers (RFC 9110, 8.8.3).
    """
    content = body.encode()
    etag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
    headers = {"etag": etag, "cache-control": _CACHE_CONTROL}
    if _holds(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _holds(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags
