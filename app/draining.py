"""Whether this process is about to end: it answers everything still, but says it is not ready."""

_begun = False


def begin() -> None:
    """From now on say at /health that no further request should be sent here."""
    global _begun
    _begun = True


def begun() -> bool:
    """Tell whether the process is about to end."""
    return _begun
