"""What must hold on this machine before `up` creates anything."""

import errno
import socket
import subprocess

from infra.cross_checks import free_port
from infra.images import TWINS, twin_tag
from infra.naming import Naming
from infra.problems import Problem, set_command
from infra.settings import StackSettings


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
    """Return the host ports that this stack's own containers publish."""
    listed = subprocess.run(
        ["docker", "ps", *naming.filters(), "--format", "{{.Ports}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    # "127.0.0.1:8000->8000/tcp, 127.0.0.1:5432->5432/tcp"
    entries = listed.stdout.replace("\n", ", ").split(", ")
    return {int(entry.split("->")[0].rsplit(":", 1)[1]) for entry in entries if "->" in entry}
