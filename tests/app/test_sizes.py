"""Bodies above the limit are refused, declared or not; hostile requests are no 500."""

import http.client
import json
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.raw import connected
from tests.app.support import Backend, backend

LIMIT = 20_000
JSON = {"Content-Type": "application/json"}
POST, HEAD = "POST /probe/any HTTP/1.1", ["Content-Type: application/json"]


@pytest.fixture(scope="module")
def running(template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A backend with a small limit."""
    variables = {"MAX_BODY_BYTES": str(LIMIT)}
    folder = tmp_path_factory.mktemp("sizes")
    with backend(template, folder, app="tests.app.probe:app", variables=variables) as process:
        yield process
        errors = [line for line in process.lines() if line["level"] == "ERROR"]
        assert errors == []


def body_of(size: int) -> bytes:
    return b'{"a":"' + b"x" * (size - 8) + b'"}'


def in_parts(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("path", ["/probe/any", "/probe/raw"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not(
    running: Backend, path: str, chunked: bool
) -> None:
    for size, status in ((LIMIT, 200), (LIMIT + 1, 413)):
        body = in_parts(body_of(size)) if chunked else body_of(size)
        answer = httpx.post(running.url + path, content=body, headers=JSON, timeout=20)
        assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == (
        f"The body is larger than {LIMIT} bytes, the most that is taken here."
    )


def test_a_body_without_end_is_refused_and_cut_off(running: Backend) -> None:
    with connected(running) as connection:
        connection.send(POST, "Host: x", "Transfer-Encoding: chunked", *HEAD)
        part = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
        with pytest.raises(ConnectionError):
            connection.socket.sendall(part * 50_000)  # more than all buffers hold


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(running: Backend) -> None:
    with connected(running) as connection:
        connection.send(
            POST,
            "Host: x",
            "Content-Length: 99999999999",
            "Expect: 100-continue",
            *HEAD,
        )
        answer = connection.answer()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer


def test_a_client_that_sends_somewhat_too_much_reads_the_answer_and_may_go_on(
    running: Backend,
) -> None:
    """http.client, like others, reads no answer while it sends."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    try:
        for size, status in ((10 * LIMIT, 413), (10 * LIMIT, 413), (100, 200)):
            connection.request("POST", "/probe/any", body_of(size), JSON)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
            assert answer.getheader("connection") is None
    finally:
        connection.close()


def test_a_body_that_no_route_reads_is_bounded_too(running: Backend) -> None:
    for method, path in (("GET", "/livez"), ("POST", "/nothing"), ("DELETE", "/livez")):
        answer = httpx.request(method, running.url + path, content=body_of(LIMIT + 1), timeout=20)
        assert answer.status_code == 413


@pytest.mark.parametrize(
    ("lines", "body", "status"),
    [
        (["Content-Length: 2"], b'{"a": 1}', 400),  # `{"` is no JSON
        (["Content-Length: -1"], b"{}", 400),
        (["Content-Length: abc"], b"{}", 400),
        (["Content-Length: 2", "Content-Length: 8"], b'{"a": 1}', 400),
        (["Content-Length: 2", "Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n", 400),
        (["Content-Length: " + "9" * 18], b"{}", 413),
        (["Content-Length: " + "9" * 5000], b"{}", 400),
        (["Transfer-Encoding: chunked"], b"zz\r\n{}\r\n", 400),
        (["Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n", 200),
    ],
)
def test_a_length_that_lies_is_never_a_server_error(
    running: Backend, lines: list[str], body: bytes, status: int
) -> None:
    with connected(running) as connection:
        connection.send(POST, "Host: x", "Connection: close", *HEAD, *lines, body=body)
        answer = connection.answer()
    assert answer.startswith(b"HTTP/1.1 %d " % status)


def test_a_client_that_goes_away_within_its_body_is_no_server_error(running: Backend) -> None:
    for _ in range(3):
        with connected(running) as connection:
            connection.send(POST, "Host: x", "Content-Length: 100", *HEAD)
            connection.socket.sendall(b'{"a":')
    assert running.get("/livez").status_code == 200


@pytest.mark.parametrize("path", ["/probe/any", "/probe/name"])
@pytest.mark.parametrize("depth", [100, 900, 9_900])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_json_of_any_depth_is_no_server_error(
    running: Backend, path: str, depth: int, start: str, end: str
) -> None:
    nested = '{"name":' + start * (depth // len(start)) + "1" + end * (depth // len(start)) + "}"
    answer = httpx.post(running.url + path, content=nested, headers=JSON, timeout=20)
    assert answer.status_code in (200, 400, 422)


def test_numbers_of_any_length_are_no_server_error(running: Backend) -> None:
    for number in ("9" * 10_000, "1e999999", "-" + "9" * 5_000, "NaN", "0." + "1" * 9_000):
        body = json.dumps({"a": 1}).replace("1", number)
        answer = httpx.post(running.url + "/probe/any", content=body, headers=JSON, timeout=20)
        assert answer.status_code in (200, 400), number


def test_very_many_headers_and_very_long_ones_are_no_server_error(running: Backend) -> None:
    for headers in (
        {f"X-{number}": "x" for number in range(5_000)},
        {"X-Long": "x" * 1_000_000},
        {"X-Forwarded-For": ",".join(["1.2.3.4"] * 50_000)},
        {"Accept": "x" * 60_000, "If-None-Match": '"x",' * 15_000},
    ):
        assert running.get("/probe/who", headers=headers).status_code < 500
        assert running.get("/probe/read", headers=headers).status_code < 500


@pytest.mark.parametrize("length", [10_000, 65_000, 66_000, 200_000])
def test_a_path_of_any_length_is_no_server_error(running: Backend, length: int) -> None:
    for path in ("/" + "x" * length, "/probe/text?value=" + "x" * length, "/a" * (length // 2)):
        with connected(running) as connection:
            connection.send(f"GET {path} HTTP/1.1", "Host: x", "Connection: close")
            assert connection.answer().split()[1] in (b"200", b"400", b"404")
