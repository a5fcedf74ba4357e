"""A request that takes too long is answered, and leaves nothing open in the database."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.proxy import Proxy
from tests.app.raw import connected
from tests.app.support import Backend, backend, sql

LIMIT = "0.5"  # seconds
APP = "tests.app.probe:app"
# One connection each for what writes and what reads: a lost one would be missed at once.
VARIABLES = {
    "REQUEST_TIMEOUT": LIMIT,
    "DATABASE_POOL_SIZE": "1",
    "DATABASE_MAX_OVERFLOW": "0",
    "DATABASE_READ_POOL_SIZE": "1",
}
AT_WORK = (
    "SELECT state, query FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
)


@pytest.fixture(scope="module")
def running(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """A backend that gives requests half a second."""
    folder = tmp_path_factory.mktemp("timeouts")
    url = module_database.set(username=roles["app"])
    with backend(url, folder, app=APP, variables=VARIABLES) as process:
        yield process
        assert not [line for line in process.lines() if line["level"] == "ERROR"]


@pytest.fixture(scope="module")
def superuser(server: URL, module_database: URL) -> URL:
    """The backend's database, as the superuser, who sees what others' sessions do."""
    return server.set(database=module_database.database)


def post(running: Backend, path: str) -> httpx.Response:
    return httpx.post(running.url + path, timeout=20)


def assert_is_cut(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "The answer has taken too long."
    assert int(answer.headers["retry-after"]) >= 1


def assert_nothing_is_open(superuser: URL) -> None:
    """Wait for less than the statements would take: they have been ended, not waited for."""
    deadline = time.monotonic() + 10
    while at_work := sql(superuser, AT_WORK):
        assert time.monotonic() < deadline, at_work
        time.sleep(0.05)


@pytest.mark.parametrize("path", ["/probe/slow", "/probe/idle"])
def test_a_transaction_that_takes_too_long_is_rolled_back_and_its_connection_given_back(
    running: Backend, superuser: URL, path: str
) -> None:
    for number in range(3):
        assert_is_cut(post(running, f"{path}?seconds=60&marker={number}"))
    assert_nothing_is_open(superuser)
    assert post(running, f"{path}?seconds=0&marker=kept{path}").status_code == 200
    rows = sql(superuser, "SELECT module_id FROM modules WHERE module_id NOT LIKE 'kept%'")
    assert rows == []


def test_a_reader_that_takes_too_long_is_ended_and_its_connection_given_back(
    running: Backend, superuser: URL
) -> None:
    for _ in range(3):
        assert_is_cut(running.get("/probe/sleep?seconds=60"))
    assert_nothing_is_open(superuser)
    assert running.get("/probe/text?value=x").text == "x"


def test_what_waits_for_a_connection_is_cut_too(running: Backend) -> None:
    """There is one; the other requests wait in the pool's queue."""
    with ThreadPoolExecutor() as pool:
        for answer in pool.map(running.get, ["/probe/sleep?seconds=60"] * 3):
            assert_is_cut(answer)
    assert running.get("/probe/text?value=x").text == "x"


def test_a_route_that_will_not_be_cancelled_is_answered_for(running: Backend) -> None:
    assert_is_cut(running.get("/probe/stubborn?seconds=1.5"))
    assert running.get("/probe/stubborn?seconds=0").text == '"too late"'


def test_an_answer_that_has_begun_is_not_cut(running: Backend) -> None:
    answer = running.get("/probe/stream?parts=4&pause=0.4")
    assert (answer.status_code, answer.text) == (200, "0\n1\n2\n3\n")


@pytest.mark.parametrize("path", ["/probe/any", "/probe/raw"])
def test_a_client_that_sends_its_body_too_slowly_is_cut_off(running: Backend, path: str) -> None:
    with connected(running) as connection:
        connection.send(
            f"POST {path} HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            "Content-Length: 9",
        )
        connection.socket.sendall(b'{"a"')
        head, _, body = connection.answer().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["detail"] == "The request's body has not arrived in time."


def test_a_slow_route_without_a_body_to_wait_for_is_503_although_one_was_sent(
    running: Backend,
) -> None:
    answer = httpx.post(
        running.url + "/probe/slow?seconds=60&marker=x", content=b"x" * 100, timeout=20
    )
    assert_is_cut(answer)


def test_a_silent_database_delays_no_answer(app_database: URL, tmp_path: Path) -> None:
    """The driver waits ten seconds for it before it gives a connection up."""
    with Proxy(str(app_database.host), app_database.port or 5432) as proxy:
        url = app_database.set(host="127.0.0.1", port=proxy.port)
        with backend(url, tmp_path, app=APP, variables=VARIABLES) as running:
            assert running.get("/probe/text?value=x").status_code == 200
            proxy.silence()
            assert_is_cut(httpx.get(running.url + "/probe/text?value=x", timeout=5))
            proxy.speak()
            running.terminate()
            lines = [line for line in running.lines() if line["logger"] == "app.access"]
            assert [line["status"] for line in lines] == [200, 503]


def test_a_cut_is_logged_with_its_request(running: Backend) -> None:
    request_id = running.get("/probe/sleep?seconds=60").headers["x-request-id"]
    deadline = time.monotonic() + 10
    while True:
        lines = [line for line in running.lines() if line.get("request_id") == request_id]
        if len(lines) == 2:
            break
        assert time.monotonic() < deadline, lines
        time.sleep(0.05)
    cut, access = lines
    assert (cut["level"], cut["message"]) == ("WARNING", "request cut")
    assert (access["route"], access["status"]) == ("/probe/sleep", 503)


def test_a_route_may_lift_its_limit(running: Backend) -> None:
    answer = running.get("/probe/patient?seconds=1.2")
    assert (answer.status_code, answer.text) == (200, '"in its own time"')
