"""The host's extra CA certificates, which the builds and the base image must trust too."""

import hashlib
from pathlib import Path

from infra.images import ROOT

# Left by the set-up step, so that Pulumi's own image build and this one use the same certificates.
COPIES = ROOT / ".hub" / "build" / "ca"
HOST = Path("/usr/local/share/ca-certificates")


def find(copies: Path = COPIES, host: Path = HOST) -> list[Path]:
    """Return the extra certificates (PEM), from the set-up step's copies, else from the host."""
    for folder in (copies, host):
        found = sorted(folder.rglob("*.crt")) if folder.is_dir() else []
        if found:
            return found
    return []


def digest(certificates: list[Path]) -> str:
    """Return what changes when a certificate does; file names do not count."""
    contents = sorted(file.read_bytes() for file in certificates)
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:12] if contents else "none"
