"""The files that the stack has delivered to a container, taken out again for the other side."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

from infra.workload import FILES_FOLDER
from toolchain.console import UserError


def take(container: str, folder: Path) -> bool:
    """Copy a container's delivered files to `folder`; returns whether it had any.

    With owner and mode, which `docker cp` keeps in its tar stream only. Raises `UserError` where
    this user may not give files away.
    """
    copied = subprocess.run(
        ["docker", "cp", f"{container}:{FILES_FOLDER}", "-"], capture_output=True, check=False
    )
    if copied.returncode != 0:  # there is no such folder
        return False
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(copied.stdout)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                _write(folder / Path(member.name).name, content.read(), member)
    return True


def _write(path: Path, content: bytes, like: tarfile.TarInfo) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    try:
        os.chown(path, like.uid, like.gid)
    except PermissionError:
        raise UserError(
            "docker compose needs the stack's files under their owners' uids, and only root may "
            "give files away",
            "sudo make bench",
        ) from None
    path.chmod(like.mode)
