"""What can be wrong with settings that are right each by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from infra.problems import NOTHING, Problem, set_command

if TYPE_CHECKING:
    from infra.settings import StackSettings


def port_clashes(settings: StackSettings) -> list[Problem]:
    """Return a problem for each port that another setting has already or that there is not."""
    ports = settings.published_ports()
    problems, proposed = [], set[int]()
    owner: dict[int, str] = {}
    highest = max(ports, key=lambda key: ports[key])
    if ports[highest] > 65535:
        problems.append(
            Problem(
                key="portOffset",
                value=str(settings.port_offset),
                reason=f"lifts {highest} to {ports[highest]}, beyond 65535",
                mend=set_command("portOffset", 0),
            )
        )
    for key, port in ports.items():
        own = port - settings.port_offset
        if port in owner:
            proposed.add(free := free_port(own, settings, but_not=proposed))
            problems.append(
                Problem(
                    key=key,
                    value=str(own),
                    reason=f"is taken by {owner[port]} already",
                    mend=set_command(key, free),
                )
            )
        owner.setdefault(port, key)
    return problems


def free_port(
    near: int,
    settings: StackSettings,
    also_free: Callable[[int], bool] = lambda _: True,
    but_not: Collection[int] = (),
) -> int:
    """Return a port for a setting: near, unused by the others, in range with the offset.

    `also_free` is asked about the port as it would be published; `but_not` are ports, as they
    would be set, that were proposed for other settings.
    """
    offset = settings.port_offset
    used = set(settings.published_ports().values())
    candidates = (*range(near + 1, 65536 - offset), *range(1024, near))
    free = (
        port
        for port in candidates
        if port + offset not in used and port not in but_not and also_free(port + offset)
    )
    return next(free, near)


def exposed(settings: StackSettings) -> list[Problem]:
    """Return a problem for each setting that is for this machine alone, where others come in."""
    if settings.bind_address.is_loopback:
        return []
    others = f"and bindAddress {settings.bind_address} lets other machines in"
    problems = []
    if settings.debug:
        problems.append(
            Problem(
                key="debug",
                value="'true'",
                reason=f"shows the backend's inside in its answers, {others}",
                mend=set_command("debug", "false"),
            )
        )
    if settings.database_port is not None:
        problems.append(
            Problem(
                key="databasePort",
                value=f"'{settings.database_port}'",
                reason=f"publishes PostgreSQL, which speaks without encryption, {others}",
                mend=f"{set_command('databasePort', NOTHING)}   (`make psql` works without it)",
            )
        )
    return problems
