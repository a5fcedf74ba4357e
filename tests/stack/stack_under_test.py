"""A real stack for the tests: real Pulumi, real engine, its own name, ports, state and work tree.

The stack runs from a copy of the project, so that a test may edit app/ or break a migration
without touching the developer's tree, and beside whatever else runs on the engine.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "ontology-hub"
SERVICES = {"db", "backend", "pgadmin", "status"}
PORTS = (8000, 5050, 3000, 5432)


def docker(*arguments: str, check: bool = True) -> str:
    """Run docker and return what it prints, both streams together."""
    done = subprocess.run(
        ["docker", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, f"docker {arguments}: {done.stdout}"
    return done.stdout


@dataclass
class Stack:
    """One stack, driven through the pulumi command as a user would."""

    root: Path
    name: str
    offset: int
    env: dict[str, str]
    first_up: str = ""
    address: str = "127.0.0.1"  # that its ports are published on

    def pulumi(self, *arguments: str, fails: bool = False) -> str:
        """Run pulumi; returns both its streams. `fails` says that it must not succeed."""
        return self.run(["pulumi", *arguments], fails)

    def hub(self, *arguments: str, fails: bool = False) -> str:
        """Run one of the Makefile's commands in this stack's work tree."""
        return self.run([sys.executable, "-m", "toolchain.hub", *arguments], fails)

    def run(self, command: list[str], fails: bool = False) -> str:
        """Run a command in this stack's work tree and environment; returns both its streams."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        assert (done.returncode != 0) is fails, done.stdout
        return done.stdout

    def up(self, *arguments: str, fails: bool = False) -> str:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, fails=fails)

    def unchanged(self) -> None:
        """Assert that an `up` finds nothing to do."""
        self.up("--expect-no-changes")

    def destroy(self) -> str:
        return self.pulumi("destroy", "--yes", "--skip-preview")

    def config(self, **values: str) -> None:
        for key, value in values.items():
            self.pulumi("config", "set", f"{PROJECT}:{key}", "--", value)

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.pulumi("stack", "output", "--json", "--show-secrets")
        )
        return found

    def container(self, role: str) -> str:
        return f"{PROJECT}-{self.name}-{role}"

    def inspect(self, role: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(docker("inspect", self.ids()[role]))
        return found[0]

    def files_volume(self, role: str) -> str:
        """Return the name of the volume by which a container of the stack is given its files."""
        mounts = self.inspect(role)["Mounts"]
        return next(str(one["Name"]) for one in mounts if one["Destination"] == "/run/secrets")

    def ids(self) -> dict[str, str]:
        """Return role to container id, for all containers of the stack."""
        listed = docker(
            "ps",
            "--all",
            "--no-trunc",
            f"--filter=label={PROJECT}.stack={self.name}",
            # What somebody runs from a built image by hand bears its labels, but no role.
            f"--filter=label={PROJECT}.role",
            f'--format={{{{.Label "{PROJECT}.role"}}}} {{{{.ID}}}}',
        )
        return dict(line.split() for line in listed.splitlines())

    def objects(self) -> dict[str, list[str]]:
        """Return all on the engine that bears the stack's labels: ids, of volumes and images names.

        Unlike `on_the_engine`, it does not mind what others do on the engine meanwhile.
        """
        label = f"--filter=label={PROJECT}.stack={self.name}"
        images = docker("images", label, "--format={{.Repository}}:{{.Tag}}")
        return {
            "Container": sorted(docker("ps", "--all", "--quiet", "--no-trunc", label).split()),
            "Network": sorted(docker("network", "ls", "--quiet", "--no-trunc", label).split()),
            "RemoteImage": sorted(images.split()),
            "Volume": sorted(docker("volume", "ls", "--quiet", label).split()),
        }

    def health(self) -> dict[str, str]:
        """Return role to health, for the services; of one that does not run, what it does."""
        # Of a container that has ended, the engine may still tell the last health.
        states = {role: self.inspect(role)["State"] for role in self.ids()}
        return {
            role: state["Health"]["Status"] if state["Status"] == "running" else state["Status"]
            for role, state in states.items()
            if state.get("Health")
        }

    def psql(self, sql: str, role: str = "ontology") -> str:
        """Run SQL in the database's container and return the bare rows."""
        return docker(
            *("exec", self.container("db"), "psql", "--no-psqlrc", "--tuples-only", "--no-align"),
            *(f"--username={role}", "--command", sql, "ontology_hub"),
            check=False,
        ).strip()

    @property
    def api_url(self) -> str:
        return f"http://{self.address}:{8000 + self.offset}"

    def get(self, path: str, port: int = 8000) -> tuple[int, str]:
        """Return status and body of a GET of the backend (or of another service's port)."""
        url = f"http://{self.address}:{port + self.offset}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def image_source() -> Literal["registry", "local"]:
    """Return where the tests' stacks have their images from."""
    return "registry" if os.environ.get("IMAGE_SOURCE") == "registry" else "local"


def eventually(check: Callable[[], bool], seconds: float = 20) -> None:
    """Assert that `check` becomes true; an OSError of a service that restarts counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, f"not so after {seconds} s: {check}"
        time.sleep(0.2)


def on_the_engine() -> dict[str, set[str]]:
    """Return what the engine holds, to compare before and after."""
    return {
        "containers": set(docker("ps", "--all", "--format={{.Names}}").split()),
        "volumes": set(docker("volume", "ls", "--format={{.Name}}").split()),
        "networks": set(docker("network", "ls", "--format={{.Name}}").split()),
        "images": set(
            docker("images", "--no-trunc", "--format={{.Repository}}:{{.Tag}}@{{.ID}}").split()
        ),
    }


def copy_of_the_project(target: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not re.match(r"Pulumi\.\w+\.yaml", name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")
    (target / ".hub").mkdir(mode=0o700)
    if (ROOT / ".hub" / "build").is_dir():
        shutil.copytree(ROOT / ".hub" / "build", target / ".hub" / "build")


def free_offset() -> int:
    """Return an offset at which all the stack's ports are free right now."""
    while True:
        offset = 10_000 + secrets.randbelow(20_000)
        try:
            for port in PORTS:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return offset


def remove(stack: Stack) -> None:
    """Remove what a failed test may have left; after a good one there is nothing to do."""
    for container in stack.ids().values():
        docker("rm", "--force", "--volumes", container)
    label = f"--filter=label={PROJECT}.stack={stack.name}"
    for kind in ("network", "volume"):
        for name in docker(kind, "ls", "--quiet", label).split():
            docker(kind, "rm", name)
    for image in docker("images", "--quiet", label).split():
        docker("rmi", "--force", image, check=False)
