"""The rows of images/README.md about prometheus, one test each."""

import time
from typing import Any

import httpx
import pytest

from infra.probes import by_wget
from infra.services import prometheus
from tests.images.containers import POSTURE, Container, Engine, config

RESTRICTED = (*POSTURE, "--read-only", "--user", "65534:65534")
PROBE = by_wget(prometheus.PORT, prometheus.HEALTH)
PUBLISHED = ("--publish", "127.0.0.1::9090")


def start(engine: Engine, image: str, *options: str, command: tuple[str, ...] = ()) -> Container:
    container = engine.start(image, *PUBLISHED, *options, command=command)
    container.wait_until(lambda: container.succeeds(*PROBE))
    return container


def ask(container: Container, path: str, **parameters: str) -> Any:
    url = f"http://{container.address(9090)}/api/v1/{path}"
    return httpx.get(url, params=parameters).raise_for_status().json()["data"]


@pytest.fixture(scope="module")
def running(shared_engine: Engine, prometheus_image: str) -> Container:
    volume = shared_engine.volume()
    mounted = ("--mount", f"type=volume,source={volume},target=/prometheus")
    return start(shared_engine, prometheus_image, *RESTRICTED, *mounted)


def test_prometheus_is_version_2_53(running: Container) -> None:
    assert ask(running, "status/buildinfo")["version"].startswith("2.53.")


def test_prometheus_runs_as_nobody_read_only_into_its_volume(
    running: Container, prometheus_image: str
) -> None:
    assert config(prometheus_image)["User"] == "nobody"
    assert list(config(prometheus_image)["Volumes"]) == ["/prometheus"]
    assert running.run("id", "-u", "nobody").strip() == "65534"
    assert running.run("stat", "-c", "%u:%g", "/prometheus/wal").strip() == "65534:65534"


def test_prometheus_takes_its_options_as_arguments(
    engine: Engine, running: Container, prometheus_image: str
) -> None:
    flags = ask(running, "status/flags")
    assert flags["config.file"] == "/etc/prometheus/prometheus.yml"
    assert flags["storage.tsdb.path"] == "/prometheus"
    assert "localhost:9090" in ask(running, "status/config")["yaml"]
    with_options = start(
        engine,
        prometheus_image,
        command=(
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--query.max-concurrency=3",
        ),
    )
    assert ask(with_options, "status/flags")["query.max-concurrency"] == "3"
    wrong = engine.start(prometheus_image, command=("--no-such-option",))
    assert wrong.wait_exit() != 0


def test_prometheus_says_when_it_is_ready(running: Container) -> None:
    assert running.succeeds(*PROBE)
    assert not running.succeeds(*by_wget(9091, prometheus.HEALTH))


def test_prometheus_has_no_lifecycle_and_no_admin_api_by_itself(running: Container) -> None:
    place = f"http://{running.address(9090)}"
    assert httpx.post(f"{place}/-/quit").status_code == 403
    assert httpx.post(f"{place}/-/reload").status_code == 403
    assert httpx.post(f"{place}/api/v1/admin/tsdb/snapshot").is_error


def test_prometheus_stops_clean_and_remembers(engine: Engine, prometheus_image: str) -> None:
    mounted = ("--volume", f"{engine.volume()}:/prometheus")
    first = start(engine, prometheus_image, *mounted)
    first.wait_until(lambda: bool(ask(first, "query", query="up")["result"]))
    then = str(time.time())
    first.stop()
    assert first.wait_exit() == 0
    second = start(engine, prometheus_image, *mounted)
    assert ask(second, "query", query="up", time=then)["result"]
