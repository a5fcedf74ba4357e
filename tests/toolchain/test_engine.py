"""The Docker engine that answers is used; a missing one is started, or explained."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.toolchain.clone import Clone

LOOK = "from toolchain import engine; print(engine.look())"
START = (
    "from toolchain import engine, processes\n"
    "processes.debian_root = lambda: True\n"
    "print(engine.startable(), engine.start())"
)
DEAD = "echo Cannot connect to the Docker daemon >&2; exit 1"


def test_the_machines_engine_is_found(clone: Clone) -> None:
    assert clone.python("-c", LOOK).stdout.startswith("Engine(version=")


@pytest.mark.parametrize(("api", "enough"), [("1.40", False), ("1.41", True), ("1.9", False)])
def test_an_engine_that_is_too_old_is_named(clone: Clone, api: str, enough: bool) -> None:
    clone.program("docker", f"echo 20.10.1 {api}")
    found = clone.python("-c", LOOK).stdout
    assert ("Engine(version='20.10.1'" in found) is enough
    assert (f"20.10.1 (API {api}); this project needs 20.10 (API 1.41)" in found) is not enough


def test_an_address_where_nothing_answers_is_named(clone: Clone) -> None:
    address = f"unix://{clone.root.parent}/none.sock"
    found = clone.python("-c", LOOK, DOCKER_HOST=address).stdout
    assert f"no Docker engine answers at DOCKER_HOST={address}" in found
    startable = "from toolchain import engine; print(engine.startable())"
    assert clone.python("-c", startable, DOCKER_HOST=address).stdout == "False\n"


def test_the_current_docker_context_reaches_tools_that_know_none(clone: Clone) -> None:
    context = (
        "import subprocess\n"
        "host = 'host=unix:///run/docker.sock'\n"
        "for command in (['create', 'other', '--docker', host], ['use', 'other']):\n"
        "    subprocess.run(['docker', 'context', *command], check=True, capture_output=True)\n"
    )
    done = clone.python("-c", context + LOOK)
    assert "host='unix:///run/docker.sock'" in done.stdout, done.stderr
    default = clone.python("-c", LOOK, DOCKER_CONTEXT="default")
    assert "host=None" in default.stdout


def test_a_user_without_permission_is_told_the_group(clone: Clone) -> None:
    clone.program("docker", "echo 'Got permission denied while trying to connect' >&2; exit 1")
    done = clone.python("-c", "from toolchain import engine; print(engine.look().mend)")
    assert 'usermod -aG docker "$USER"' in done.stdout


def test_an_engine_that_does_not_start_shows_its_last_words(clone: Clone) -> None:
    clone.program("docker", DEAD)
    clone.program("dockerd", "echo 'iptables: not found'; exit 3")
    done = clone.python("-c", START)
    assert "did not start (exit code 3); its last words:\n    iptables: not found" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an engine")
def test_an_engine_that_starts_outlives_the_setup(clone: Clone) -> None:
    folder = clone.root.parent
    socket, pid = f"unix://{folder}/docker.sock", folder / "docker.pid"
    real = {name: shutil.which(name) for name in ("docker", "dockerd")}
    # A second engine beside the machine's, with folders of its own and a network namespace of its
    # own: without it, `--bridge=none` would delete the bridge docker0 under the machine's engine.
    clone.program(
        "dockerd",
        f"exec unshare --net {real['dockerd']} --data-root {folder}/data --exec-root {folder}/exec "
        f"--pidfile {pid} -H {socket} --bridge=none --iptables=false",
    )
    clone.program("docker", f'exec {real["docker"]} -H {socket} "$@"')
    done = clone.python("-c", START)
    number = int(pid.read_text())
    try:
        assert "True Engine(version=" in done.stdout, done.stderr
        assert os.getsid(number) == number  # a session of its own: no terminal can end it
        assert (Path(clone.env["ONTOLOGY_HUB_CACHE"]) / "dockerd.log").stat().st_size > 0
        again = clone.python("-c", LOOK)
        assert again.stdout.startswith("Engine(")
    finally:
        os.kill(number, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while Path(f"/proc/{number}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    assert not Path(f"/proc/{number}").exists()


def test_an_engine_that_is_missing_is_installed(clone: Clone) -> None:
    log = clone.root.parent / "apt.log"
    clone.program("docker", DEAD)
    clone.program("apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {log}')
    no_dockerd = (
        "import shutil; which = shutil.which\n"
        "shutil.which = lambda name, path=None: None if name == 'dockerd' else which(name)\n"
        "from toolchain import engine; engine.READY_SECONDS = 0.1\n"
    )
    clone.program("dockerd", "exit 1")
    clone.python("-c", no_dockerd + START)
    assert log.read_text().splitlines() == [
        "noninteractive update -q",
        "noninteractive install -q -y docker.io iptables",
    ]
