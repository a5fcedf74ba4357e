"""What `up` asks of the engine, on real containers: is it healthy, did it end well."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator

import pytest

from infra import versions
from infra.images import reference
from infra.targets.engine import EngineError, Expected, finish, settle
from tests.stack.stack_under_test import docker, eventually, image_source

IMAGE = reference(versions.POSTGRES, image_source())

Run = Callable[..., str]


@pytest.fixture
def run() -> Iterator[Run]:
    """Start a container that runs a shell script; all are gone at the end."""
    label = f"ontology-hub.test={secrets.token_hex(6)}"

    def start(script: str, *options: str) -> str:
        arguments = ("--detach", f"--label={label}", "--entrypoint=sh", *options)
        return docker("run", *arguments, IMAGE, "-c", script).strip()

    yield start
    for container in docker("ps", "--all", "--quiet", f"--filter=label={label}").split():
        docker("rm", "--force", "--volumes", container)


def health(script: str) -> tuple[str, ...]:
    return (f"--health-cmd={script}", "--health-interval=1s", "--health-retries=2")


def expected(timeout: int = 20) -> Expected:
    return Expected(role="thing", pids=50, networks={"bridge": []}, timeout=timeout)


def exists(container: str) -> bool:
    return bool(docker("ps", "--all", "--quiet", f"--filter=id={container}"))


def test_a_job_that_ended_well_is_kept_with_its_log(run: Run) -> None:
    job = run("echo done")
    asyncio.run(finish(job, "job", 60))
    assert exists(job)


def test_a_failed_job_is_told_with_its_log_and_removed_so_that_it_runs_again(run: Run) -> None:
    job = run("echo the reason >&2; exit 3")
    with pytest.raises(EngineError, match=r"(?s)job failed with exit code 3.*    the reason"):
        asyncio.run(finish(job, "job", 60))
    assert not exists(job)


def test_a_job_that_still_runs_is_waited_for(run: Run) -> None:
    """An `up` that was killed leaves it running."""
    job = run("sleep 2; exit 4")
    with pytest.raises(EngineError, match="exit code 4"):
        asyncio.run(finish(job, "job", 60))


def test_a_job_that_runs_too_long_is_told_with_the_command_that_stops_it(run: Run) -> None:
    job = run("echo still at it; sleep 60")
    with pytest.raises(EngineError, match=r"(?s)after 1 s.*still at it.*docker rm --force"):
        asyncio.run(finish(job, "job", 1))


def test_a_job_that_was_never_started_does_not_count_as_done(run: Run) -> None:
    job = docker("create", IMAGE).strip()
    with pytest.raises(EngineError, match="never started"):
        asyncio.run(finish(job, "job", 60))
    assert not exists(job)


def test_a_service_that_becomes_healthy_settles_with_its_limit_of_processes(run: Run) -> None:
    service = run("sleep 1; touch /tmp/ready; sleep 60", *health("test -e /tmp/ready"))
    asyncio.run(settle(service, expected()))
    assert docker("inspect", "--format={{.HostConfig.PidsLimit}}", service).strip() == "50"


def test_a_service_that_turns_unhealthy_fails_early_with_probe_and_log(run: Run) -> None:
    service = run("echo hello from the log; sleep 60", *health("echo not well; false"))
    with pytest.raises(EngineError, match=r"(?s)unhealthy.*not well.*hello from the log"):
        asyncio.run(settle(service, expected(timeout=600)))


def test_a_service_that_ends_at_once_fails_early_with_its_log(run: Run) -> None:
    script, restart = "echo cannot start; exit 7", "--restart=on-failure"
    service = run(script, restart, *health("true"))
    with pytest.raises(EngineError, match=r"(?s)exit code 7.*cannot start"):
        asyncio.run(settle(service, expected(timeout=600)))


def test_a_service_that_takes_too_long_fails_at_the_stated_limit(run: Run) -> None:
    service = run("sleep 60", *health("false"), "--health-start-period=60s")
    with pytest.raises(EngineError, match="is not healthy after 2 s"):
        asyncio.run(settle(service, expected(timeout=2)))


def test_a_paused_service_is_resumed(run: Run) -> None:
    service = run("sleep 60", *health("true"))
    docker("pause", service)
    asyncio.run(settle(service, expected()))
    assert docker("inspect", "--format={{.State.Paused}}", service).strip() == "false"


def test_a_container_that_has_ended_again_and_again_is_tried_at_once(run: Run) -> None:
    """The engine would wait for up to a minute before each next try."""
    service = run("exit 4", "--restart=always", *health("true"))
    restarts = ("inspect", "--format={{.RestartCount}}", service)
    eventually(lambda: int(docker(*restarts)) > 6, seconds=60)
    began = time.monotonic()
    with pytest.raises(EngineError, match="ends again and again, last with exit code 4"):
        asyncio.run(settle(service, expected(timeout=60)))
    assert time.monotonic() - began < 15
