"""Pulumi's official download: pinned, and checked against its published SHA-256."""

import hashlib
import http.client
import os
import platform
import re
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from toolchain import console, versions
from toolchain.console import UserError

# One URL that holds the archive and the checksums (and plugins), instead of the two official ones.
MIRROR = "ONTOLOGY_HUB_PULUMI_MIRROR"
ARCHIVES = "https://get.pulumi.com/releases/sdk"
CHECKSUMS = f"https://github.com/pulumi/pulumi/releases/download/v{versions.PULUMI}"

ANSWER_SECONDS = 5.0  # for the checksums, all in all: what an unreachable site costs
STALL_SECONDS = 30.0  # without a byte of the archive
CHUNK = 1 << 20


class UnreachableError(Exception):
    """The download site does not answer, or does not have the file; str() says why."""


def mirror() -> str | None:
    """Return the URL that replaces the official sites, if the user has set one."""
    return os.environ.get(MIRROR, "").rstrip("/") or None


def archive_name() -> str:
    """Return the name of the archive for this machine."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    cpu = machine.get(platform.machine().lower(), platform.machine().lower())
    return f"pulumi-v{versions.PULUMI}-{platform.system().lower()}-{cpu}.tar.gz"


def published_checksum() -> str:
    """Return the archive's published SHA-256; raises `UnreachableError` within a few seconds."""
    url = f"{mirror() or CHECKSUMS}/pulumi-{versions.PULUMI}-checksums.txt"
    try:
        text = _within(ANSWER_SECONDS, lambda: _small(url))
    except UnreachableError as error:
        raise UnreachableError(f"{url}: {error}") from None
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-f]{64})\s+\*?(?:\./)?(\S+)", line.strip())
        if match and match[2] == archive_name():
            return match[1]
    raise UnreachableError(f"{url} names no checksum of {archive_name()}")


def fetch(folder: Path, checksum: str) -> None:
    """Unpack the official CLI into `folder`/bin.

    Raises `UnreachableError` if the archive is not to be had, and `UserError` if it comes broken
    off or with another checksum than the published one: that is never passed over.
    """
    url = f"{mirror() or ARCHIVES}/{archive_name()}"
    archive = folder / "pulumi.tar.gz"
    with console.progress(f"downloading the Pulumi CLI {versions.PULUMI} from {url}"):
        actual = _save(url, archive)
    if actual != checksum:
        raise UserError(
            f"{url} is not what Pulumi has published: its SHA-256 is {actual}, "
            f"the published one {checksum}",
            "do not use that file; find out who changed it (a proxy, a mirror), then run the same "
            "make command again; or install Pulumi yourself: https://www.pulumi.com/docs/install/",
        )
    _unpack(archive, folder / "bin")
    archive.unlink()


def _within(seconds: float, question: Callable[[], str]) -> str:
    """Ask with a limit that covers the name look-up too, which no socket time-out does."""
    answers: list[str] = []
    problems: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(question())
        except (OSError, http.client.HTTPException, ValueError) as error:
            problems.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if answers:
        return answers[0]
    raise UnreachableError(_reason(problems[0]) if problems else f"no answer within {seconds:g} s")


def _reason(error: Exception) -> str:
    return str(error.reason if type(error) is urllib.error.URLError else error)


def _small(url: str) -> str:
    with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as response:  # noqa: S310 (https, or the user's mirror)
        text: bytes = response.read(CHUNK)
    return text.decode("utf-8", "replace")


def _save(url: str, path: Path) -> str:
    """Write what the URL holds to a file and return its SHA-256."""
    try:
        response = urllib.request.urlopen(url, timeout=STALL_SECONDS)  # noqa: S310 (as above)
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"{url}: {_reason(error)}") from None
    total, size = hashlib.sha256(), 0
    broken: object = None
    with response, path.open("wb") as file:
        expected = int(response.headers.get("Content-Length") or -1)
        try:
            while chunk := response.read(CHUNK):
                total.update(chunk)
                size += len(chunk)
                file.write(chunk)
        except (TimeoutError, http.client.HTTPException, urllib.error.URLError) as error:
            broken = error
    if broken or expected not in (-1, size):
        raise UserError(
            f"the download of {url} broke off after {size} of {expected} bytes"
            + (f" ({broken})" if broken else ""),
            "run the same make command again",
        )
    return total.hexdigest()


def _unpack(archive: Path, target: Path) -> None:
    """Unpack the plain files of the archive's one folder, `pulumi/`, and nothing else."""
    target.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            content = tar.extractfile(member) if member.isfile() and len(parts) == 2 else None
            if content is None or parts[0] != "pulumi":
                continue
            with (target / parts[1]).open("wb") as file:
                while chunk := content.read(CHUNK):
                    file.write(chunk)
            (target / parts[1]).chmod(0o755)
