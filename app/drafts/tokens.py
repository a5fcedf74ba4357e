"""Capability tokens: whoever holds a draft's token may read and change it, and nobody else.

Only the SHA-256 of a token is stored, so a copy of the database opens no draft. A plain hash is
enough: a token has 256 random bits, which no list of likely ones can hold.
"""

import hashlib
import hmac
import secrets


def new_token() -> str:
    """Return a token of 43 characters of the alphabet A-Z a-z 0-9 - _."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return the SHA-256 of the token in hex; any text has one, also what is no token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two hashes in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one, other)
