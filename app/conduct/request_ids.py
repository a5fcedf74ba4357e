"""Request ids: one word that joins an answer to the log lines of its request."""

import re
from contextvars import ContextVar
from random import getrandbits

# Never reset: a server runs each request in a context of its own, and logs what a request has
# raised after the application is done with it.
current: ContextVar[str | None] = ContextVar("request_id", default=None)

# A caller's own id is taken if it is at most as long as a UUID and holds nothing that could forge
# a log line or a header. A draft's token (43 characters) is longer, and so is its hash (64): what
# opens a draft cannot come into the log this way.
_TAKEN = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,35}")


def take(given: bytes | None) -> str:
    """Return the caller's id if it may be taken, else a new one (16 hexadecimal digits)."""
    if given is not None and _TAKEN.fullmatch(given):
        return given.decode("ascii")
    return f"{getrandbits(64):016x}"  # no secret, so the quick source
