"""What must hold on this machine before `up` creates anything."""

import errno
import io
import json
import socket
import subprocess
import tarfile

from infra.cross_checks import free_port
from infra.images import TWINS, twin_tag
from infra.naming import Naming
from infra.problems import Problem, set_command
from infra.services import postgres
from infra.settings import StackSettings

VERSION_FILE = "PG_VERSION"


def taken_ports(settings: StackSettings, naming: Naming) -> list[Problem]:
    """Return a problem for each port to be published that something else listens on.

    This looks at the machine but decides nothing that goes into the graph.
    """
    address = str(settings.bind_address)
    busy = {
        key: port for key, port in settings.published_ports().items() if not _free(address, port)
    }
    if not busy:
        return []
    ours = _published_by(naming)
    problems, proposed = [], set[int]()
    for key, port in busy.items():
        if port in ours:
            continue
        own = port - settings.port_offset
        free = free_port(own, settings, lambda one: _free(address, one), but_not=proposed)
        proposed.add(free)
        problems.append(
            Problem(
                key=key,
                value=str(own),
                reason=f"port {port} on {address} is in use by another program "
                f"(`ss -ltnp 'sport = :{port}'` tells which)",
                mend=f"{set_command(key, free)}"
                f"   (portOffset shifts all ports: {set_command('portOffset', 100)})",
            )
        )
    return problems


def missing_twins(settings: StackSettings) -> list[Problem]:
    """Return a problem for each twin that `imageSource` asks for and that is not built.

    Without this the engine would look for it at Docker Hub, and the error would say nothing of
    the cause: a recipe that changed (by `git pull`, say) is a new image.
    """
    if settings.image_source != "local":
        return []
    wanted = [twin_tag(recipe) for recipe in TWINS.values()]
    inspected = subprocess.run(
        ["docker", "image", "inspect", "--format={{.Id}}", *wanted],
        capture_output=True,
        check=False,
    )
    if inspected.returncode == 0:
        return []
    return [
        Problem(
            key="imageSource",
            value="'local'",
            reason=f"not all local images are built: {', '.join(wanted)}",
            mend="make images",
        )
    ]


def foreign_volume(naming: Naming) -> str | None:
    """Return what is wrong with the data volume if another major version of PostgreSQL made it.

    PostgreSQL reads the files of its own major version only: it would refuse to start, once the
    old server is gone.
    """
    found = _data_version(naming)
    if found in ("", str(postgres.MAJOR)):
        return None
    volume = naming.of(postgres.DATA_VOLUME)
    return (
        f"the data volume {volume} is of PostgreSQL {found}, and this version of the hub runs "
        f"PostgreSQL {postgres.MAJOR}, which cannot read it; nothing was changed.\n"
        f"The way out is a dump, made with the version that ran it:\n"
        f"    git log --oneline -S'postgres:{found}' -- infra/versions.py   (tells which)\n"
        f"    git checkout VERSION && make up && make backup   (prints the dump's FILE)\n"
        f"    make down && docker volume rm --force {volume}\n"
        f"    git checkout - && make restore FILE=FILE"
    )


def _data_version(naming: Naming) -> str:
    """Return the major version that stands in the data volume; empty where none does."""
    file = f"{postgres.DATA_PATH}/{VERSION_FILE}"
    # The container may be stopped, and need not be this version's.
    copied = _docker("cp", f"{naming.of(postgres.ROLE)}:{file}", "-")
    if copied.returncode == 0:
        return _first_file(copied.stdout)
    volume = naming.of(postgres.DATA_VOLUME)
    if _docker("volume", "inspect", volume).returncode != 0:
        return ""
    # A kept volume: only a container reaches into it. It never runs, so any image will do.
    images = _docker("images", "--quiet", "--no-trunc", "--filter=dangling=false").stdout.split()
    if not images:
        return ""  # the server itself will say it
    mounted = f"--volume={volume}:{postgres.DATA_PATH}:ro"
    made = _docker("create", "--network=none", mounted, images[0].decode(), "true")
    container = made.stdout.decode().strip()
    copied = _docker("cp", f"{container}:{file}", "-")
    _docker("rm", "--volumes", container)
    return _first_file(copied.stdout) if copied.returncode == 0 else ""


def _first_file(archive: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        content = files.extractfile(VERSION_FILE)
        return content.read().decode().strip() if content else ""


def _docker(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], capture_output=True, check=False)


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        # Without it, connections of a stack just destroyed would hold the port for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            # Other errors (an address that is not this machine's, a port below 1024) are the
            # engine's to judge: it may run elsewhere or with more rights.
            return error.errno != errno.EADDRINUSE
    return True


def _published_by(naming: Naming) -> set[int]:
    """Return the host ports that this stack's own containers publish, or will in a moment."""
    running = _docker("ps", "--quiet", *naming.filters()).stdout.decode().split()
    if not running:
        return set()
    # Not what `docker ps` shows as ports: between two starts of one that ends again and again
    # that is nothing, while the port is taken and given back.
    inspected = _docker("inspect", "--format={{json .HostConfig.PortBindings}}", *running)
    bindings = [json.loads(line) or {} for line in inspected.stdout.splitlines()]
    return {
        int(one["HostPort"])
        for container in bindings
        for published in container.values()
        for one in published
    }
