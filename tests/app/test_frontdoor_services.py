"""The page says how each service is, as the real status service tells it, and waits for nobody."""

import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread

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
    return text_of(shown).split("Services ")[1].split(" The API and its")[0]


def test_the_page_tells_the_well_from_the_sick_the_silent_and_the_absent(
    template: URL, tmp_path: Path, pgadmin: Answering
) -> None:
    variables = {"PGADMIN_URL": "http://127.0.0.1:5050"}
    with socket.create_server(("127.0.0.1", 0)) as silent, serving(Answering(503)) as sick:
        # The silent one first: nobody is to wait for it.
        services = {
            "Prometheus": f"http://127.0.0.1:{silent.getsockname()[1]}/",
            "pgAdmin": pgadmin.url,
            "Dumps": sick.url,
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
                " Prometheus does not answer Dumps is not well (503) Proxy does not answer"
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


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (200, b""),
        (200, b"[]"),
        (200, b'{"pgAdmin": "well"}'),
        (200, b"\xff"),
        (200, b"[" * 200_000),
        (500, b'{"pgAdmin": 200}'),
    ],
)
def test_nonsense_from_the_status_service_is_no_answer(
    template: URL, tmp_path: Path, code: int, body: bytes
) -> None:
    with (
        serving(Answering(code, body)) as server,
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


def test_of_an_endless_a_huge_and_a_dripping_answer_the_first_line_counts() -> None:
    drip = b"HTTP/1.1 200 OK\r\n" + b"x" * 50
    with (
        raw(b"HTTP/1.1 100 Continue\r\n\r\n", 10_000) as endless,
        raw(b"HTTP/1.1 200 OK" + b" " * 60_000, 100) as huge,
        raw(b"", 0, [bytes([one]) for one in drip]) as dripping,
        serving(Answering()) as well,
        status({"a": endless, "b": huge, "c": dripping, "d": well.url}) as (url, process),
    ):
        for _ in range(3):
            begun = time.monotonic()
            told = httpx.get(url, timeout=20).json()
            assert time.monotonic() - begun < 2.5  # s: the limit is 1
            assert told == {"a": 100, "b": None, "c": None, "d": 200}
            time.sleep(1.1)
        peak = (Path("/proc") / str(process.pid) / "status").read_text().split("VmHWM:")[1]
        assert int(peak.split()[0]) < 48 * 1024  # kB; the container has 64 MB


def test_those_who_ask_slowly_are_in_nobodys_way_and_nothing_is_logged(
    pgadmin: Answering, capfd: pytest.CaptureFixture[str]
) -> None:
    with status({"pgAdmin": pgadmin.url}) as (url, _), ExitStack() as slow:
        place = ("127.0.0.1", int(url.rsplit(":", 1)[1].strip("/")))
        clients = [slow.enter_context(socket.create_connection(place)) for _ in range(200)]
        for _ in range(8):
            for client in clients:
                with suppress(OSError):  # hung up on, by then
                    client.send(b"G")
            assert httpx.get(url, timeout=5).json() == {"pgAdmin": 200}
            time.sleep(0.5)
        assert all(hung_up(client) for client in clients)
        # As a health check that does not wait for the end.
        with socket.create_connection(place) as hasty:
            hasty.send(b"GET /health HTTP/1.0\r\n\r\n")
        assert httpx.get(f"{url}health").status_code == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_hanging_status_service_costs_a_reader_its_time_and_no_more(
    template: URL, tmp_path: Path, sent: bytes
) -> None:
    with (
        raw(sent, 1, [b"x"] * 100) as url,
        backend(template, tmp_path, variables={"STATUS_URL": url, "REQUEST_TIMEOUT": "3"}) as run,
    ):
        for _ in range(2):
            begun = time.monotonic()
            assert "Status service does not answer" in services_of(run)
            assert time.monotonic() - begun < 2.5  # s: the limit is a third of a request's


@pytest.mark.parametrize("path", ["/admin/sync", "/nothing"])
def test_another_refusal_says_nothing_of_the_database(
    template: URL, tmp_path: Path, path: str
) -> None:
    with backend(template, tmp_path) as running:
        answer = httpx.post(running.url + path, headers=AS_BROWSER)
        assert answer.status_code in (404, 503)
        assert "Database" not in text_of(answer)


@contextmanager
def raw(sent: bytes, times: int, drops: Sequence[bytes] = ()) -> Iterator[str]:
    """Run a service that sends so much so often, and then a drop every fifth of a second."""

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for _ in range(times):
                connection.sendall(sent)
            for drop in drops:
                connection.sendall(drop)
                time.sleep(0.2)

    def accept() -> None:
        with suppress(OSError):
            while True:
                Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def hung_up(client: socket.socket) -> bool:
    client.settimeout(5)
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True
