"""What the stack asks of the engine beside its resources: is it healthy, did it end well.

It goes through the `docker` command, which knows DOCKER_HOST, contexts and ssh as the user does.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pulumi

from infra.log_lines import readable

POLL_SECONDS = 0.25
LOG_LINES = 30
MAX_RESTARTS = 3


@dataclass(frozen=True)
class Expected:
    """A service that should become healthy within `timeout` seconds, with at most `pids` tasks.

    `networks` are those that it is on, each with its names there, beside the engine's own for it.
    """

    role: str
    pids: int | None
    networks: Mapping[str, Sequence[str]]
    timeout: int


class EngineError(pulumi.RunError):
    """The engine, or a container on it, is not as it should be; shown without a stack trace."""


async def settle(container: str, expected: Expected) -> None:
    """Return once the container (an id) is healthy, mending what can be mended on the way.

    Runs at every `up`, also when nothing changed: a green `up` means a healthy stack. A paused
    container is unpaused; one that is unhealthy from an earlier run, or that ends again and again,
    is restarted, once; one that was put on or off a network is put back.
    Raises `EngineError` with the last lines of the container's log.
    """
    if pulumi.runtime.is_dry_run():
        return
    deadline = time.monotonic() + expected.timeout
    since = datetime.now(UTC)
    await _mend(container, expected)
    starts, code = (await _inspect(container))["RestartCount"], 0
    while _health(state := await _inspect(container)) != "healthy":
        code = state["State"]["ExitCode"] or code
        reason = None
        if _health(state) == "unhealthy" and _probed_at(state) > since:
            reason = f"is unhealthy; its health check says: {_probe_output(state)}"
        # Its restart policy may bring it back, but not for ever.
        elif state["RestartCount"] - starts >= MAX_RESTARTS:
            reason = f"ends again and again, last with exit code {code}"
        elif time.monotonic() > deadline:
            reason = f"is not healthy after {expected.timeout} s"
        if reason:
            raise EngineError(
                f"{expected.role} {reason}. The end of its log:\n{_tail(await _log(container))}\n"
                f"Mend the cause, then run `pulumi up` again."
            )
        await asyncio.sleep(POLL_SECONDS)
    if expected.pids not in (None, state["HostConfig"]["PidsLimit"]):
        # The provider has no argument for it, and the engine refuses it for a stopped container.
        await docker("update", "--pids-limit", str(expected.pids), container)


async def _mend(container: str, expected: Expected) -> None:
    """Undo what was done to the container by hand and what the provider does not see."""
    state = await _inspect(container)
    if state["State"]["Paused"]:
        pulumi.log.warn(f"{expected.role} was paused: unpausing it")
        await docker("unpause", container)
    restart = _health(state) == "unhealthy"
    if restart:
        pulumi.log.warn(f"{expected.role} was unhealthy: restarting it")
    elif state["State"]["Restarting"]:
        # The engine waits longer after each end, up to a minute; from now on it begins anew.
        pulumi.log.warn(f"{expected.role} ends again and again: restarting it")
        restart = True
    # What its health was without them says nothing of now.
    restart |= await _attach(container, state["NetworkSettings"]["Networks"], expected)
    if restart:
        await docker("restart", container)


async def _attach(container: str, found: dict[str, Any], expected: Expected) -> bool:
    """Put the container on its networks, under its names, and off all others.

    Returns whether one was missing.
    """
    missing = False
    for network, aliases in expected.networks.items():
        if network in found and set(aliases) <= set(found[network]["Aliases"] or []):
            continue
        missing = True
        pulumi.log.warn(f"{expected.role} was off the network {network}: putting it back")
        if network in found:  # but nobody finds it there
            await docker("network", "disconnect", network, container)
        names = [f"--alias={alias}" for alias in aliases]
        await docker("network", "connect", *names, network, container)
    for network in found.keys() - expected.networks.keys():
        pulumi.log.warn(f"{expected.role} was on the network {network}: taking it off")
        await docker("network", "disconnect", network, container)
    return missing


async def finish(container: str, role: str, time_limit: int) -> None:
    """Return once the job in the container (an id) has ended well, within `time_limit` seconds.

    Runs at every `up`: also after one that was killed, or that failed elsewhere, while the job
    ran. A failed container is removed, so that the next `up` creates, and thereby runs, it again:
    left in place it would count as done. Raises `EngineError` with the end of the job's log.
    """
    if pulumi.runtime.is_dry_run():
        return
    if (await _inspect(container))["State"]["Status"] == "created":
        # `docker wait` would call that a success.
        await docker("rm", "--force", "--volumes", container)
        raise EngineError(f"the job {role} was never started. Run `pulumi up` again.")
    try:
        code = int(await asyncio.wait_for(docker("wait", container), time_limit))
    except TimeoutError:
        raise EngineError(
            f"the job {role} still runs after {time_limit} s. The end of its log:\n"
            f"{_tail(await _log(container))}\n"
            f"To stop it: docker rm --force {container[:12]}; then run `pulumi up` again."
        ) from None
    if code == 0:
        return
    log = await _log(container)
    await docker("rm", "--force", "--volumes", container)
    raise EngineError(
        f"the job {role} failed with exit code {code}. The end of its log:\n{_tail(log)}\n"
        f"Mend the cause, then run `pulumi up`: the job will run again."
    )


async def docker(*arguments: str) -> str:
    """Run the docker command and return what it prints; raises `EngineError` with its words."""
    process = await asyncio.create_subprocess_exec(
        "docker",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:  # waited for too long: nobody else would end it
        process.kill()
        await process.communicate()
        raise
    if process.returncode != 0:
        raise EngineError(f"docker {' '.join(arguments)}: {errors.decode().strip()}")
    return output.decode()


async def _inspect(container: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(await docker("inspect", container))
    return found[0]


def _health(state: dict[str, Any]) -> str:
    if state["State"]["Status"] != "running":
        return "not running"  # the engine would call it unhealthy, which hides that it has ended
    return str((state["State"].get("Health") or {}).get("Status", "none"))


def _last_probe(state: dict[str, Any]) -> dict[str, Any]:
    probes: list[dict[str, Any]] = state["State"]["Health"].get("Log") or [{}]
    return probes[-1]


def _probe_output(state: dict[str, Any]) -> str:
    return str(_last_probe(state).get("Output", "")).strip() or "(nothing)"


def _probed_at(state: dict[str, Any]) -> datetime:
    """Return when the last probe began: what an older one said, before a pause, counts no more."""
    # "2026-01-31T12:00:00.123456789Z", or with an offset; Python takes six digits at most.
    start = re.sub(r"(\.\d{6})\d+", r"\1", str(_last_probe(state).get("Start", "")))
    return datetime.fromisoformat(start) if start else datetime.min.replace(tzinfo=UTC)


async def _log(container: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "docker",
        "logs",
        "--tail",
        str(LOG_LINES),
        container,
        stdout=asyncio.subprocess.PIPE,
        # One stream, in the order in which the container wrote it.
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace")


def _tail(log: str) -> str:
    # Events first become readable: one may have a whole stack trace.
    lines = "\n".join(map(readable, log.rstrip().splitlines())).splitlines()[-LOG_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (empty)"
