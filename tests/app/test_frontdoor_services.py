"""The page says how each service is, as the real status service tells it, and waits for nobody."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.neighbours import Answering, serving, status
from tests.app.support import Backend, backend, free_port, until
from tests.app.test_frontdoor import AS_BROWSER, text_of


@pytest.fixture
def pgadmin() -> Iterator[Answering]:
    with serving(Answering()) as server:
        yield server


def services_of(running: Backend, code: int = 200) -> str:
    """Return what the page says of the services."""
    shown = running.get("/", headers=AS_BROWSER)
    assert shown.status_code == code, running.text()
    return text_of(shown).split("Services ")[1].split(" Each is asked")[0]


def test_the_page_tells_the_well_from_the_sick_the_silent_and_the_absent(
    template: URL, tmp_path: Path, pgadmin: Answering
) -> None:
    variables = {"PGADMIN_URL": "http://127.0.0.1:5050"}
    with socket.create_server(("127.0.0.1", 0)) as silent, serving(Answering(503)) as sick:
        services = {
            "pgAdmin": pgadmin.url,
            "Dumps": sick.url,
            "Prometheus": f"http://127.0.0.1:{silent.getsockname()[1]}/",
            "Proxy": f"http://127.0.0.1:{free_port()}/",
            "Node exporter": "http://no-such-name.invalid/",
        }
        with (
            status(services) as (url, _),
            backend(template, tmp_path, variables={**variables, "STATUS_URL": url}) as running,
        ):
            begun = time.monotonic()
            told = services_of(running)
            assert time.monotonic() - begun < 5  # s: the limits are 1 and 2
            assert told == (
                "API answers Database connected pgAdmin answers open pgAdmin Grafana off"
                " Dumps is not well (503) Prometheus does not answer Proxy does not answer"
                " Node exporter does not answer"
            )
            sick.status = 200
            until(lambda: "Dumps answers" in services_of(running))


def test_many_readers_at_once_are_one_question(
    template: URL, tmp_path: Path, pgadmin: Answering
) -> None:
    variables = {"LISTS_PER_MINUTE": "10000"}
    with (
        status({"pgAdmin": pgadmin.url}) as (url, _),
        backend(template, tmp_path, variables={**variables, "STATUS_URL": url}) as running,
    ):
        begun = time.monotonic()
        client = httpx.Client(base_url=running.url, headers=AS_BROWSER, timeout=20)
        with client, ThreadPoolExecutor(20) as pool:
            told = list(pool.map(lambda _: client.get("/"), range(1000)))
        assert {page.status_code for page in told} == {200}
        assert len({page.text for page in told}) == 1
        assert 1 <= pgadmin.asked <= 2 + (time.monotonic() - begun)


def test_without_the_status_service_the_page_is_there_and_says_so(
    template: URL, tmp_path: Path, pgadmin: Answering
) -> None:
    with (
        status({"pgAdmin": pgadmin.url}) as (url, process),
        backend(template, tmp_path, variables={"STATUS_URL": url}) as running,
    ):
        assert "pgAdmin answers" in services_of(running)
        process.kill()
        process.wait()
        assert "Status service does not answer" in services_of(running)
        assert "pgAdmin answers" not in services_of(running)
        warned = [one for one in running.lines() if "status service" in one["message"]]
        assert warned[0]["level"] == "WARNING"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"pgAdmin": "well"}', b"\xff", b"[" * 200_000])
def test_nonsense_from_the_status_service_is_no_answer(
    template: URL, tmp_path: Path, body: bytes
) -> None:
    with (
        serving(Answering(200, body)) as server,
        backend(template, tmp_path, variables={"STATUS_URL": server.url}) as running,
    ):
        assert "Status service does not answer" in services_of(running)


def test_without_the_database_the_page_still_tells_of_the_others(
    template: URL, tmp_path: Path, pgadmin: Answering
) -> None:
    nowhere = template.set(host="127.0.0.1", port=free_port())
    with (
        status({"pgAdmin": pgadmin.url}) as (url, _),
        backend(nowhere, tmp_path, variables={"STATUS_URL": url}) as running,
    ):
        assert services_of(running, 503).startswith(
            "API answers Database does not answer pgAdmin answers"
        )


def test_the_status_service_ends_on_sigterm_while_a_service_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        services = {"pgAdmin": f"http://127.0.0.1:{silent.getsockname()[1]}/"}
        with status(services) as (url, process), ThreadPoolExecutor() as pool:
            asking = pool.submit(httpx.get, url)
            with silent.accept()[0] as hanging:
                hanging.recv(1)
                process.terminate()
                assert process.wait(5) == 0
            assert isinstance(asking.exception(), httpx.HTTPError)
