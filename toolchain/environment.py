"""`.hub/env`: what a shell needs to use this project's Pulumi; to be sourced, in any sh."""

import contextlib
import json
import os
import secrets
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from toolchain import files
from toolchain.paths import HUB, pulumi_home

ENV = HUB / "env"
PASSPHRASE = HUB / "passphrase"
STATE = HUB / "state"
MARK = "ONTOLOGY_HUB_ENV"  # set to the path of the file that was sourced

HEADER = """\
# Written by `make setup`; edits are lost. To use Pulumi in this shell: source .hub/env
"""


@dataclass(frozen=True)
class Login:
    """Where Pulumi keeps this project's state."""

    home: Path | None  # PULUMI_HOME to set; None: the user's own
    elsewhere: str | None  # why the state is not kept in .hub, if it is not


def own(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what an earlier `source .hub/env` has put there.

    Otherwise that would be taken for the user's own wish: a login elsewhere, an own PULUMI_HOME.
    """
    mine = dict(environment)
    try:
        text = Path(mine.pop(MARK, "")).read_text()
    except (OSError, ValueError):
        return mine
    for line in text.splitlines():
        words = shlex.split(line, comments=True) if line.startswith("export ") else []
        for word in words[1:]:
            name, _, value = word.partition("=")
            if name != "PATH" and mine.get(name) == value:
                del mine[name]
    return mine


def login(environment: Mapping[str, str], own_cli: bool) -> Login:
    """Decide where Pulumi's state and home are, from the user's own environment.

    `own_cli`: the CLI is one that this toolchain has brought, not an installed one.
    """
    users_home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    why = None
    for name in ("PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN"):
        if environment.get(name):
            why = f"{name} is set"
            break
    else:
        if current := logged_in(users_home / "credentials.json"):
            why = f"logged in to {current}"
    keep_home = why is not None or "PULUMI_HOME" in environment or not own_cli
    return Login(None if keep_home else pulumi_home(), why)


def home(where: Login, environment: Mapping[str, str]) -> Path:
    """Return the PULUMI_HOME that will be in force."""
    return where.home or Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")


def write(folders: list[Path], where: Login, docker_host: str | None) -> None:
    """Write `.hub/env`, and on the first run the passphrase.

    `folders` are put first on PATH; `docker_host` is set where the docker context needs it.
    """
    settings = {MARK: str(ENV), "PULUMI_SKIP_UPDATE_CHECK": "1"}
    if where.home:
        settings["PULUMI_HOME"] = str(where.home)
    # A CLI built without cgo has no other way to its user's name; cron and many jobs do not set it.
    lines = [_path_line(folders), 'export USER="${USER:-$(id -un 2>/dev/null || id -u)}"']
    if where.elsewhere is None:
        _ensure_passphrase()
        STATE.mkdir(mode=0o700, exist_ok=True)
        # Quoted: else a space or a percent sign in the path makes Pulumi ask for a login.
        settings["PULUMI_BACKEND_URL"] = f"file://{quote(str(STATE))}"
        settings["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(PASSPHRASE)
        # It would win over the file, and the state be locked for every shell without it.
        lines.append("unset PULUMI_CONFIG_PASSPHRASE")
    if docker_host:
        settings["DOCKER_HOST"] = docker_host
    lines += [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    files.write(ENV, (HEADER + "\n".join(lines) + "\n").encode(), 0o600)


def make_folder() -> None:
    """Make `.hub`, readable for its owner only."""
    HUB.mkdir(mode=0o700, exist_ok=True)
    HUB.chmod(0o700)


def _path_line(folders: list[Path]) -> str:
    first = ":".join(str(folder) for folder in folders)
    return (
        f"hub_path={shlex.quote(first)}\n"
        # Only once, however often it is sourced.
        'case "$PATH:" in "$hub_path":*) ;; *) PATH="$hub_path:$PATH" ;; esac\n'
        "export PATH\n"
        "unset hub_path"
    )


def _ensure_passphrase() -> None:
    """Make the passphrase once. It is never replaced: without it the stack's secrets are lost."""
    if PASSPHRASE.exists():
        PASSPHRASE.chmod(0o600)
        return
    handle, name = tempfile.mkstemp(prefix=files.TEMPORARY, dir=HUB)  # of mode 600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        # Unlike a rename, a link never replaces what another setup has made meanwhile.
        with contextlib.suppress(FileExistsError):
            os.link(name, PASSPHRASE)
    finally:
        Path(name).unlink()


def logged_in(credentials: Path) -> str | None:
    """Return the URL that Pulumi's file of logins names as the current one."""
    try:
        current = json.loads(credentials.read_text()).get("current")
    except (OSError, ValueError, AttributeError):
        return None
    return current if isinstance(current, str) and current else None
