"""What the stack asks of the engine beside its resources: is it healthy, did it end well.

It goes through the `docker` command, which knows DOCKER_HOST, contexts and ssh as the user does.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import pulumi

POLL_SECONDS = 0.25
LOG_LINES = 30


@dataclass(frozen=True)
class Expected:
    """A service that should become healthy within `timeout` seconds, with at most `pids` tasks."""

    role: str
    pids: int
    timeout: int


class EngineError(pulumi.RunError):
    """The engine, or a container on it, is not as it should be; shown without a stack trace."""


async def settle(container: str, expected: Expected) -> None:
    """Return once the container (an id) is healthy, mending what can be mended on the way.

    Runs at every `up`, also when nothing changed: a green `up` means a healthy stack. A paused
    container is unpaused; one that is unhealthy from an earlier run is restarted, once.
    Raises `EngineError` with the last lines of the container's log.
    """
    if pulumi.runtime.is_dry_run():
        return
    deadline = time.monotonic() + expected.timeout
    state = await _inspect(container)
    if state["HostConfig"]["PidsLimit"] != expected.pids:
        # The provider has no argument for it.
        await docker("update", "--pids-limit", str(expected.pids), container)
    if state["State"]["Paused"]:
        pulumi.log.warn(f"{expected.role} was paused: unpausing it")
        await docker("unpause", container)
    if _health(state) == "unhealthy":
        pulumi.log.warn(f"{expected.role} was unhealthy: restarting it")
        await docker("restart", container)
    starts = state["RestartCount"]
    while _health(state := await _inspect(container)) != "healthy":
        # A container that has ended is given a chance by its restart policy, but not for ever.
        if _health(state) == "unhealthy" or state["RestartCount"] - starts >= 3:
            raise await _unwell(container, expected.role, _reason(state))
        if time.monotonic() > deadline:
            reason = f"is not healthy after {expected.timeout} s"
            raise await _unwell(container, expected.role, reason)
        await asyncio.sleep(POLL_SECONDS)


def job_must_succeed(role: str) -> pulumi.ResourceHookBinding:
    """Return the hooks that fail `up` when the job `role` has failed, with the job's log.

    The failed container is removed, so that the next `up` creates, and thereby runs, it again:
    left in place it would count as done.
    """

    async def check(arguments: pulumi.ResourceHookArgs) -> None:
        outputs = arguments.new_outputs or {}
        code = (await _inspect(arguments.id))["State"]["ExitCode"]
        if code == 0:
            return
        log = str(outputs.get("containerLogs") or "") or await _log(arguments.id)
        await docker("rm", "--force", arguments.id)
        raise EngineError(
            f"the job {role} failed with exit code {int(code)}. The end of its log:\n"
            f"{_tail(log)}\n"
            f"Mend the cause, then run `pulumi up`: the job will run again."
        )

    hook = pulumi.ResourceHook(f"{role}-must-succeed", check)
    return pulumi.ResourceHookBinding(after_create=[hook])


async def docker(*arguments: str) -> str:
    """Run the docker command and return what it prints; raises `EngineError` with its words."""
    process = await asyncio.create_subprocess_exec(
        "docker",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise EngineError(f"docker {' '.join(arguments)}: {errors.decode().strip()}")
    return output.decode()


async def _inspect(container: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(await docker("inspect", container))
    return found[0]


def _health(state: dict[str, Any]) -> str:
    return str((state["State"].get("Health") or {}).get("Status", "none"))


def _reason(state: dict[str, Any]) -> str:
    if _health(state) == "unhealthy":
        probes = state["State"]["Health"].get("Log") or [{}]
        said = str(probes[-1].get("Output", "")).strip()
        return f"is unhealthy; its health check says: {said or '(nothing)'}"
    code = state["State"]["ExitCode"]
    return f"ends again and again, last with exit code {code}"


async def _unwell(container: str, role: str, reason: str) -> EngineError:
    log = await _log(container)
    return EngineError(
        f"{role} {reason}. The end of its log:\n{_tail(log)}\n"
        f"Mend the cause, then run `pulumi up` again."
    )


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
    lines = log.rstrip().splitlines()[-LOG_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (empty)"
