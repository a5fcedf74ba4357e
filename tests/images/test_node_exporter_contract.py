"""The rows of images/README.md about node-exporter, one test each."""

import re

import pytest

from infra.probes import by_wget
from infra.services import node_exporter
from tests.images.containers import POSTURE, Container, Engine, config, docker

RESTRICTED = (*POSTURE, "--read-only", "--user", "65534:65534")
PROBE = by_wget(node_exporter.PORT, node_exporter.HEALTH)
METRICS = ("wget", "-q", "-O", "-", f"http://127.0.0.1:{node_exporter.PORT}/metrics")
DISKS = ("/disks/data", "/disks/overlay", "/disks/small")
SIZE = 9 * 1024 * 1024


@pytest.fixture(scope="module")
def running(
    shared_engine: Engine, node_exporter_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Container:
    """Start it with disks of three types; into the first it may not look."""
    data = shared_engine.volume()
    close = ("--user=0", "--entrypoint=chmod", f"--volume={data}:/data", node_exporter_image)
    docker("run", "--rm", *close, "700", "/data")
    layers = {f"{name}dir": tmp_path_factory.mktemp(name) for name in ("lower", "upper", "work")}
    overlay = shared_engine.volume(
        *("--opt=type=overlay", "--opt=device=overlay"),
        "--opt=o=" + ",".join(f"{name}={path}" for name, path in layers.items()),
    )
    container = shared_engine.start(
        node_exporter_image,
        *(*RESTRICTED, f"--volume={data}:/disks/data:ro", f"--volume={overlay}:/disks/overlay:ro"),
        f"--mount=type=tmpfs,target=/disks/small,tmpfs-size={SIZE}",
        command=node_exporter.OPTIONS,
    )
    container.wait_until(lambda: container.succeeds(*PROBE))
    return container


def sizes(container: Container) -> dict[str, float]:
    """Return mount point to size in bytes."""
    size = r'^node_filesystem_size_bytes{.*mountpoint="([^"]+)".*} (\S+)$'
    found = re.findall(size, container.run(*METRICS), re.MULTILINE)
    return {mountpoint: float(value) for mountpoint, value in found}


def size_of(container: Container, path: str) -> int:
    return int(container.run("df", "-B1", "--output=size", path).split()[1])


def test_node_exporter_is_version_1_9(running: Container) -> None:
    assert "version 1.9." in running.run("/bin/node_exporter", "--version")


def test_node_exporter_runs_as_nobody_read_only(
    running: Container, node_exporter_image: str
) -> None:
    assert config(node_exporter_image)["User"] == "nobody"
    assert config(node_exporter_image)["Entrypoint"] == ["/bin/node_exporter"]
    assert running.run("id", "-u", "nobody").strip() == "65534"
    assert running.succeeds(*PROBE)
    assert not running.succeeds("ls", "/disks/data")


def test_node_exporter_tells_the_size_of_what_is_mounted_below_disks(running: Container) -> None:
    found = sizes(running)
    assert found["/disks/small"] == SIZE
    assert found == {path: size_of(running, path) for path in DISKS}
    families = set(re.findall(r"^# TYPE (\w+)", running.run(*METRICS), re.MULTILINE))
    others = {one for one in families if not one.startswith(("node_filesystem_", "node_scrape_"))}
    assert others == {"node_exporter_build_info"}
