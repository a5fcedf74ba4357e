"""What the tests of /admin/sync and the webhook have in common."""

import hmac
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.app.repositories import written
from tests.app.support import Backend

SECRET = "an-invented-secret"
IMPORTED = "the ontology's source was imported"
NOT_IMPORTED = "the ontology's source could not be imported"
STOPPED = "the import of the ontology's source was ended: the service stops"
UNREADABLE = "a file of the ontology's source could not be read"


def secret_file(folder: Path) -> str:
    """Write the secret into a file; return its path."""
    file = folder / "secret"
    file.write_text(SECRET + "\n")
    return str(file)


def signature(body: bytes, secret: str = SECRET, digest: str = "sha256") -> str:
    """Return what X-Hub-Signature-256 says of a body."""
    return f"{digest}={hmac.new(secret.encode(), body, digest).hexdigest()}"


def push(running: Backend, body: bytes = b"{}") -> httpx.Response:
    """Send a signed push."""
    headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": signature(body)}
    url = f"{running.url}/api/v1/webhooks/github"
    return httpx.post(url, content=body, headers=headers, timeout=20)


def put(source: Path, files: Mapping[str, Any]) -> None:
    """Write files (path to JSON or text) into a folder."""
    for name, content in files.items():
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(written(content))


def logged(running: Backend, message: str) -> list[dict[str, Any]]:
    """Return the log lines with this message."""
    return [line for line in running.lines() if line["message"] == message]


def until_logged(running: Backend, message: str) -> dict[str, Any]:
    """Wait for a log line with this message, and return it."""
    deadline = time.monotonic() + 30
    while not (found := logged(running, message)):
        assert time.monotonic() < deadline, running.text()
        time.sleep(0.05)
    return found[0]
