"""The docker and random providers do their work, and a second `up` finds nothing to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import pulumi
import pulumi_docker as docker
import pulumi_random as random

labels = [docker.VolumeLabelArgs(label="ontology-hub.test", value="providers")]
volume = docker.Volume("volume", labels=labels)
password = random.RandomPassword("password", length=24, special=False)
pulumi.export("results", pulumi.Output.all(
    name=volume.name,
    bytes=random.RandomBytes("bytes", length=6).hex,
    id=random.RandomId("id", byte_length=4).hex,
    integer=random.RandomInteger("integer", min=7, max=7).result,
    pet=random.RandomPet("pet", length=2).id,
    shuffle=random.RandomShuffle("shuffle", inputs=["a"]).results,
    string=random.RandomString("string", length=5).result,
    uuid=random.RandomUuid("uuid").result,
    uuid4=random.RandomUuid4("uuid4").result,
    uuid7=random.RandomUuid7("uuid7").result,
))
pulumi.export("password", password.result)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a Pulumi project with an own state."""
    (tmp_path / "Pulumi.yaml").write_text("name: providers\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "state").mkdir()
    return tmp_path


def pulumi(project: Path, *arguments: str) -> str:
    """Run pulumi in the project; return what it prints."""
    done = subprocess.run(
        ["pulumi", *arguments],
        cwd=project,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{project}/state",
            "PULUMI_CONFIG_PASSPHRASE": "only a test",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def volumes() -> list[str]:
    """Return the names of the volumes that the program has made."""
    command = ["docker", "volume", "ls", "-q", "--filter", "label=ontology-hub.test=providers"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_every_random_resource_and_a_volume_live_and_go(project: Path) -> None:
    pulumi(project, "stack", "init", "test")
    try:
        pulumi(project, "up", "--yes", "--skip-preview")
        outputs = json.loads(pulumi(project, "stack", "output", "--json", "--show-secrets"))
        results = outputs["results"]
        assert results["integer"] == 7
        assert results["shuffle"] == ["a"]
        assert len(results["bytes"]) == 12
        assert len(results["id"]) == 8
        assert len(results["string"]) == 5
        assert len(outputs["password"]) == 24
        assert results["name"] in volumes()
        assert results["name"].startswith("volume-")  # named by Pulumi, for no name was given
        assert outputs["password"] not in pulumi(project, "stack", "export")
        pulumi(project, "preview", "--refresh", "--expect-no-changes")
        again = json.loads(pulumi(project, "stack", "output", "--json", "--show-secrets"))
        assert again == outputs
    finally:
        pulumi(project, "destroy", "--yes", "--skip-preview")
    assert volumes() == []
    pulumi(project, "stack", "rm", "--yes", "test")
