"""Containers for the contract tests: started with the docker command, always removed again."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LABEL = "ontology-hub.test=images"
DEADLINE_SECONDS = 90

# How the Pulumi program runs every container.
POSTURE = (
    *("--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges"),
    *("--memory", "768m"),
    *("--memory-swap", "768m"),
    *("--pids-limit", "256"),
)


def docker(*arguments: str, check: bool = True, timeout: float = 300) -> str:
    """Run docker and return what it printed on both streams."""
    answer = subprocess.run(
        ["docker", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout,
    )
    if check and answer.returncode:
        raise AssertionError(f"docker {' '.join(arguments)}: {answer.stdout}")
    return answer.stdout


@dataclass
class Container:
    """A started container."""

    name: str

    def run(self, *command: str, user: str | None = None, check: bool = True) -> str:
        """Run a command in it and return its output."""
        options = ["--user", user] if user else []
        return docker("exec", *options, self.name, *command, check=check)

    def logs(self) -> str:
        """Return what it printed so far."""
        return docker("logs", self.name)

    def address(self, port: int) -> str:
        """Return where `port`, published with `-p 127.0.0.1::PORT`, is on this machine."""
        return docker("port", self.name, str(port)).splitlines()[0].strip()

    def wait_exit(self) -> int:
        """Wait for its end and return the exit code."""
        try:
            return int(docker("wait", self.name, timeout=DEADLINE_SECONDS).strip())
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs: {self.logs()}") from None

    def wait_until(self, ready: Callable[[], bool]) -> float:
        """Wait until `ready`, for at most 90 s and not after its end; return the seconds."""
        began = time.monotonic()
        while not ready():
            state = docker("inspect", "--format", "{{.State.Status}}", self.name).strip()
            assert state == "running", f"{self.name} is {state}: {self.logs()}"
            waited = time.monotonic() - began
            assert waited < DEADLINE_SECONDS, f"not ready after {waited:.0f} s: {self.logs()}"
            time.sleep(0.2)
        return time.monotonic() - began

    def succeeds(self, *command: str) -> bool:
        """Return whether a command in it ends with 0."""
        answer = subprocess.run(
            ["docker", "exec", self.name, *command], capture_output=True, check=False
        )
        return answer.returncode == 0

    def stop(self, seconds: int = 30) -> float:
        """Stop it as `docker stop` does and return how long that took."""
        began = time.monotonic()
        docker("stop", "--time", str(seconds), self.name)
        return time.monotonic() - began


@dataclass
class Engine:
    """What one test, or one module of tests, made on the engine."""

    containers: list[Container] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)

    def start(
        self, image: str, *options: str, command: Sequence[str] = (), detach: bool = True
    ) -> Container:
        """Start a container and return at once, or with `detach=False` after its end."""
        name = f"hub-image-test-{uuid.uuid4().hex[:10]}"
        container = Container(name)
        self.containers.append(container)
        docker("run", "--detach", "--name", name, "--label", LABEL, *options, image, *command)
        if not detach:
            container.wait_exit()
        return container

    def volume(self, *options: str) -> str:
        """Return a new, empty volume."""
        name = f"hub-image-test-{uuid.uuid4().hex[:10]}"
        docker("volume", "create", "--label", LABEL, *options, name)
        self.volumes.append(name)
        return name

    def network(self) -> str:
        """Return a new network."""
        name = f"hub-image-test-{uuid.uuid4().hex[:10]}"
        docker("network", "create", "--label", LABEL, name)
        self.networks.append(name)
        return name

    def clean(self) -> None:
        """Remove all of it, anonymous volumes included."""
        for container in self.containers:
            docker("rm", "--force", "--volumes", container.name, check=False)
        for volume in self.volumes:
            docker("volume", "rm", volume)
        for network in self.networks:
            docker("network", "rm", network)


def config(image: str) -> dict[str, Any]:
    """Return the configuration an image carries (Env, Cmd, Entrypoint, User, Volumes, …)."""
    found: dict[str, Any] = json.loads(docker("image", "inspect", image))[0]["Config"]
    return found


def secret(folder: Path, name: str, value: str, uid: int) -> str:
    """Write a secret as the Pulumi program delivers it (owner alone, 0400) and return its path."""
    file = folder / name
    file.write_text(value, encoding="utf-8")
    file.chmod(0o400)
    subprocess.run(["chown", str(uid), str(file)], check=True)
    return str(file)
