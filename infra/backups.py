"""The folder that the dumps of a stack go to: where it is, and whether the service can use it."""

import os
import shlex
from pathlib import Path

from infra.images import ROOT
from infra.problems import Problem, set_command
from infra.settings import StackSettings

KEY = "backupDir"
# Whom the service runs as where the stack is root's: the folder is theirs then.
UID = 10002

_SYSTEM = tuple(f"/{one}/" for one in ("bin", "boot", "dev", "etc", "lib", "proc", "sys", "usr"))


def folder(settings: StackSettings, stack: str) -> Path:
    """Return the absolute path of the stack's folder, without symbolic links."""
    return (ROOT / settings.backup_dir / stack).resolve()


def owner(path: Path) -> int:
    """Return as whom the service runs: the folder's owner.

    So its dumps belong to whoever runs `make backup` and `make restore`, who need no more rights
    than the engine's for that.
    """
    return path.stat().st_uid


def problems(settings: StackSettings, stack: str) -> list[Problem]:
    """Return what keeps the service from writing into its folder, if it is to run."""
    if not settings.backup_schedule:
        return []
    path = folder(settings, stack)
    quoted = shlex.quote(str(path))
    try:
        if path.parent == Path(path.anchor) or str(path).startswith(_SYSTEM):
            # What follows proposes to give the folder away.
            reason = "is a folder of the system's: the dumps need one of their own"
            mend = set_command(KEY, ".hub/backups")
        elif not path.exists():
            reason = "does not exist"
            mend = f"install -d -m 700 {_for_the_service()}{quoted}"
        elif not path.is_dir():
            reason = "is not a folder"
            mend = set_command(KEY, ".hub/backups")
        elif owner(path) == 0:
            reason = "belongs to root, as whom no service runs: the folder's owner makes the dumps"
            mend = f"chown -R {UID}:{UID} {quoted}"
        elif path.stat().st_mode & 0o700 != 0o700 or not os.access(path, os.W_OK | os.X_OK):
            reason = f"must be writable for you and for its owner (uid {owner(path)})"
            mend = f"chmod u+rwx {quoted}   (or, if it is not yours: {set_command(KEY, 'PATH')})"
        else:
            return []
    except OSError as error:
        reason, mend = f"cannot be looked at: {error.strerror}", set_command(KEY, "PATH")
    return [Problem(key=KEY, value=str(path), reason=reason, mend=mend)]


def _for_the_service() -> str:
    return f"-o {UID} -g {UID} " if os.geteuid() == 0 else ""
