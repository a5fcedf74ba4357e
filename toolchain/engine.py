"""Find a Docker engine, or install and start one where that is possible."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from toolchain import console, processes, versions
from toolchain.console import UserError
from toolchain.paths import cache

ANSWER_SECONDS = 20.0
READY_SECONDS = 60.0
DEFAULT_CONTEXT = "default"


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers."""

    version: str
    api: str
    # What DOCKER_HOST has to be for tools that know no docker contexts; None: nothing to set.
    host: str | None = None


def look() -> Engine | UserError:
    """Return the engine that answers, or what is wrong with it."""
    if not shutil.which("docker"):
        return UserError(
            "there is no docker on PATH",
            "install a Docker engine: https://docs.docker.com/engine/install/ "
            "(Debian: sudo apt-get install docker.io iptables)",
        )
    host = None
    if not os.environ.get("DOCKER_HOST"):
        host = _context_host()
    server = "{{.Server.Version}} {{.Server.APIVersion}}"
    done = processes.answer(["docker", "version", "--format", server], ANSWER_SECONDS)
    if done.returncode != 0:
        return _no_answer(done.stderr.strip(), host)
    version, api = done.stdout.split()
    if versions.parse(api) < versions.parse(versions.DOCKER_API_MINIMUM):
        return UserError(
            f"the Docker engine is {version} (API {api}); this project needs "
            f"{versions.DOCKER_ENGINE_MINIMUM} (API {versions.DOCKER_API_MINIMUM}) or newer",
            "install a newer one: https://docs.docker.com/engine/install/",
        )
    return Engine(version, api, host)


def startable() -> bool:
    """Tell whether an engine that is missing can be installed and started here, by this user."""
    remote = os.environ.get("DOCKER_HOST") or _context_host()
    return not remote and processes.debian_root()


def start() -> Engine:
    """Install the engine if there is none, start it, and wait until it answers."""
    if not (shutil.which("dockerd") and shutil.which("docker")):
        with console.progress("installing the Docker engine with apt-get (half a minute)"):
            processes.apt_install("docker.io", "iptables")
            if not shutil.which("docker"):  # from Debian 13 on the client is a package of its own
                processes.apt_install("docker-cli")
    engine = look()  # the package may have started it
    if isinstance(engine, Engine):
        return engine
    if Path("/run/systemd/system").is_dir():
        processes.work(["systemctl", "enable", "--now", "docker"], "journalctl -u docker -n 50")
        return _wait(None, "journalctl -u docker -n 50")
    log = cache() / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    console.step(f"starting the Docker engine (its log: {log})")
    with log.open("ab") as output:
        before = output.tell()
        daemon = subprocess.Popen(
            ["dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # or the engine would end with this terminal
            cwd="/",
        )
    try:
        return _wait(daemon, f"less {log}")
    except UserError as error:
        with log.open("rb") as text:
            text.seek(before)
            said = processes.tail(text.read().decode("utf-8", "replace"))
        raise UserError(f"{error.message}; its last words:\n{said}", error.mend) from None


def _wait(daemon: "subprocess.Popen[bytes] | None", where_to_look: str) -> Engine:
    mend = f"{where_to_look}   (mend what it names, then run the same make command again)"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        engine = look()
        if isinstance(engine, Engine):
            return engine
        if daemon is not None and daemon.poll() is not None:
            code = daemon.returncode
            raise UserError(f"the Docker engine did not start (exit code {code})", mend)
        time.sleep(0.3)
    raise UserError(f"the Docker engine does not answer {READY_SECONDS:g} s after its start", mend)


def _context_host() -> str | None:
    """Return the address of the current docker context if it is not the default one."""
    config = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if not (config / "contexts").is_dir():
        return None  # no context was ever made; the question below takes 50 ms
    template = "{{.Name}} {{.Endpoints.docker.Host}}"
    command = ["docker", "context", "inspect", "--format", template]
    name, _, host = processes.answer(command, ANSWER_SECONDS).stdout.strip().partition(" ")
    return host if host and name != DEFAULT_CONTEXT else None


def _no_answer(reason: str, context_host: str | None) -> UserError:
    if address := os.environ.get("DOCKER_HOST"):
        return UserError(
            f"no Docker engine answers at DOCKER_HOST={address}: {reason}",
            "start that engine, or take the local one: unset DOCKER_HOST",
        )
    if context_host:
        return UserError(
            f"no Docker engine answers at {context_host}, the current docker context: {reason}",
            "start that engine, or take the local one: docker context use default",
        )
    if "permission denied" in reason.lower():
        return UserError(
            f"this user may not use the Docker engine: {reason}",
            'sudo usermod -aG docker "$USER", then log out and in again',
        )
    return UserError(
        f"no Docker engine answers: {reason}",
        "sudo systemctl start docker   (if it is not installed: "
        "https://docs.docker.com/engine/install/, Debian: sudo apt-get install docker.io iptables)",
    )
