"""The rows of images/README.md about node-exporter, one test each."""

import re

import pytest

from infra.services import node_exporter
from tests.images.containers import POSTURE, Container, Engine, config, docker

RESTRICTED = (*POSTURE, "--read-only", "--user", "65534:65534")
METRICS = ("wget", "-q", "-O", "-", f"http://127.0.0.1:{node_exporter.PORT}/metrics")
SIZE = 9 * 1024 * 1024


@pytest.fixture(scope="module")
def running(shared_engine: Engine, node_exporter_image: str) -> Container:
    """Start it with two disks: one of the engine's, and a small one that root alone may look at."""
    docker(
        "run",
        "--rm",
        "--volume",
        (volume := shared_engine.volume()) + ":/v",
        *("--user", "0", "--entrypoint", "sh", node_exporter_image, "-c", "chmod 700 /v"),
    )
    container = shared_engine.start(
        node_exporter_image,
        *(*RESTRICTED, "--volume", f"{volume}:/disks/data:ro"),
        *("--mount", f"type=tmpfs,target=/disks/small,tmpfs-size={SIZE},tmpfs-mode=0700"),
        command=node_exporter.OPTIONS,
    )
    container.wait_until(lambda: container.succeeds(*node_exporter.PROBE))
    return container


def sizes(container: Container) -> dict[str, float]:
    """Return mount point to size in bytes."""
    size = r'^node_filesystem_size_bytes{.*mountpoint="([^"]+)".*} (\S+)$'
    found = re.findall(size, container.run(*METRICS), re.MULTILINE)
    return {mountpoint: float(value) for mountpoint, value in found}


def test_node_exporter_is_version_1_9(running: Container) -> None:
    assert "version 1.9." in running.run("/bin/node_exporter", "--version")


def test_node_exporter_runs_as_nobody_read_only(
    running: Container, node_exporter_image: str
) -> None:
    assert config(node_exporter_image)["User"] == "nobody"
    assert config(node_exporter_image)["Entrypoint"] == ["/bin/node_exporter"]
    assert running.run("id", "-u", "nobody").strip() == "65534"
    assert running.succeeds(*node_exporter.PROBE)
    assert not running.succeeds("ls", "/disks/data")


def test_node_exporter_tells_the_size_of_what_is_mounted_below_disks(running: Container) -> None:
    found = sizes(running)
    assert found.keys() == {"/disks/data", "/disks/small"}
    assert found["/disks/small"] == SIZE
    df = running.run("df", "-B1", "--output=size", "/disks/data")
    assert found["/disks/data"] == int(df.split()[1])
    families = set(re.findall(r"^# TYPE (\w+)", running.run(*METRICS), re.MULTILINE))
    others = {one for one in families if not one.startswith(("node_filesystem_", "node_scrape_"))}
    assert others == {"node_exporter_build_info"}
