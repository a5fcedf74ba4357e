"""The rows of images/README.md about haproxy, one test each."""

import http.client
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.probes import by_bash
from infra.services import proxy
from tests.images.containers import POSTURE, Container, Engine, config, secret

DEFAULT_CONFIG = "/usr/local/etc/haproxy/haproxy.cfg"

# Answers by itself; /slow after three seconds, in which it looks for somebody else to answer.
ANSWERS = """
global
    log stdout format raw local0
defaults
    mode http
    timeout client 9s
    timeout connect 9s
    timeout server 9s
frontend all
    bind :8000 %s
    bind 127.0.0.1:8404
    log global
    log-format asked-for-%%HP
    monitor-uri /monitored
    use_backend nobody if { path /slow }
    http-request return status 200 content-type text/plain string answered unless { path /slow }
backend nobody
    server nobody 127.0.0.1:9
"""

RESTRICTED = (*POSTURE, "--read-only", "--user", "99:99")


def configured(folder: Path, text: str, path: str = DEFAULT_CONFIG) -> list[str]:
    """Return the options that mount a configuration."""
    file = folder / "haproxy.cfg"
    file.write_text(text)
    file.chmod(0o644)
    return ["--volume", f"{file}:{path}:ro"]


def get(address: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def up(container: Container) -> bool:
    return container.succeeds("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000")


@pytest.fixture(scope="module")
def running(
    shared_engine: Engine, haproxy_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Container:
    folder = tmp_path_factory.mktemp("haproxy")
    folder.chmod(0o755)
    container = shared_engine.start(
        haproxy_image,
        *(*RESTRICTED, "--publish", "127.0.0.1::8000"),
        *configured(folder, ANSWERS % ""),
    )
    container.wait_until(lambda: up(container))
    return container


def test_haproxy_is_version_3_0(running: Container) -> None:
    assert running.run("haproxy", "-v").startswith("HAProxy version 3.0.")


def test_haproxy_runs_as_99_read_only_and_without_any_capability(
    running: Container, haproxy_image: str
) -> None:
    assert config(haproxy_image)["User"] == "haproxy"
    assert running.run("stat", "-c", "%u:%g", "/proc/1").strip() == "99:99"
    assert running.run("id", "-u", "haproxy").strip() == "99"
    assert get(running.address(8000), "/") == (200, "answered")


def test_haproxy_reads_its_configuration_where_it_is_documented(
    engine: Engine, haproxy_image: str, running: Container
) -> None:
    assert config(haproxy_image)["Cmd"] == ["haproxy", "-f", DEFAULT_CONFIG]
    assert get(running.address(8000), "/") == (200, "answered")
    without = engine.start(haproxy_image)
    assert without.wait_exit() == 1
    assert DEFAULT_CONFIG in without.logs()


def test_haproxy_entrypoint_takes_options_and_other_commands(
    engine: Engine, haproxy_image: str, running: Container
) -> None:
    # A master and its worker, both in the foreground.
    assert running.run("cat", "/proc/1/cmdline").split("\0")[:3] == ["haproxy", "-W", "-db"]
    version = engine.start(haproxy_image, command=["-v"])
    assert version.wait_exit() == 0
    assert "HAProxy version" in version.logs()
    other = engine.start(haproxy_image, command=["id", "-u"])
    assert other.wait_exit() == 0
    assert other.logs().strip() == "99"


def test_haproxy_has_bash_which_asks_a_port(running: Container) -> None:
    """What the stack's health check is made of: neither curl nor wget is there."""
    assert running.succeeds(*by_bash(8404, "/monitored"))
    assert not running.succeeds(*by_bash(8405, "/monitored"))


def test_haproxy_logs_to_the_container(running: Container) -> None:
    get(running.address(8000), "/a-path")
    running.wait_until(lambda: "asked-for-/a-path" in running.logs())


def test_haproxy_stops_on_sigusr1_after_running_requests(
    engine: Engine, haproxy_image: str, tmp_path: Path
) -> None:
    assert config(haproxy_image)["StopSignal"] == "SIGUSR1"
    tmp_path.chmod(0o755)
    container = engine.start(
        haproxy_image,
        *("--publish", "127.0.0.1::8000"),
        *configured(tmp_path, ANSWERS % ""),
    )
    container.wait_until(lambda: up(container))
    address = container.address(8000)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(get, address, "/slow")
        time.sleep(0.5)
        assert container.stop() < 15
        assert slow.result()[0] == 503  # its own answer, in the end: nobody is behind it
    assert container.wait_exit() == 0


def test_haproxy_speaks_tls_with_certificate_and_key_in_one_file(
    engine: Engine, haproxy_image: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    pem = secret(tmp_path, "tls.pem", certificate.read_text() + key.read_text(), uid=99)
    container = engine.start(
        haproxy_image,
        *(*RESTRICTED, "--publish", "127.0.0.1::8000"),
        *("--volume", f"{pem}:/run/secrets/tls.pem:ro"),
        *configured(tmp_path, ANSWERS % "ssl crt /run/secrets/tls.pem"),
    )
    container.wait_until(lambda: up(container))
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", container.address(8000), "-brief"],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "CN = localhost" in shown.stderr


@pytest.mark.parametrize("measured", [(), ("--env", "METRICS_PORT=9100")])
def test_haproxy_takes_the_projects_configuration(
    engine: Engine, haproxy_image: str, tmp_path: Path, measured: tuple[str, ...]
) -> None:
    tmp_path.chmod(0o755)
    checked = engine.start(
        haproxy_image,
        *("--env", "PROXY_TIMEOUT=20", "--env", "PROXY_TLS=no", "--env", "PROXY_CERTIFICATE="),
        *measured,
        *configured(tmp_path, proxy.CONFIG.read_text()),
        command=["haproxy", "-c", "-f", DEFAULT_CONFIG],
    )
    assert checked.wait_exit() == 0, checked.logs()
    assert "WARNING" not in checked.logs()
