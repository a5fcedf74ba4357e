"""What every answer has, whatever its status and whoever gives it."""

from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.support import Backend, backend, free_port

ORIGIN = "https://wiki.example.org"
VARIABLES = {
    "CORS_ORIGINS": ORIGIN,
    "READS_PER_MINUTE": "3",
    "REQUEST_TIMEOUT": "0.5",
    "MAX_BODY_BYTES": "2000",
}
FIXED = {
    "referrer-policy": "origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

# How to come by an answer of each kind: status, method, path, and what httpx is given beside.
ANSWERS = [
    (200, "GET", "/livez", {}),
    (200, "HEAD", "/health", {}),
    (200, "GET", "/docs", {}),
    (200, "GET", "/openapi.json", {}),
    (200, "GET", "/static-offline-docs/swagger-ui.css", {}),
    (200, "GET", "/probe/stream?parts=2&pause=0", {}),
    (304, "GET", "/static-offline-docs/swagger-ui.css", {"headers": {"If-None-Match": "*"}}),
    (400, "POST", "/probe/any", {"content": "{", "headers": {"Content-Type": "application/json"}}),
    (404, "GET", "/nothing", {}),
    (404, "GET", "/static-offline-docs/nothing", {}),
    (405, "DELETE", "/livez", {}),
    (413, "POST", "/probe/any", {"content": b"x" * 3000}),
    (415, "POST", "/probe/any", {"content": "x", "headers": {"Content-Type": "text/plain"}}),
    (422, "POST", "/probe/name", {"json": {}}),
    (429, "GET", "/probe/read", {}),
    (500, "GET", "/probe/broken", {}),
    (503, "GET", "/probe/stubborn?seconds=2", {}),
]


@pytest.fixture(scope="module")
def running(template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A backend that pages of one origin may call."""
    folder = tmp_path_factory.mktemp("headers")
    with backend(template, folder, app="tests.app.probe:app", variables=VARIABLES) as process:
        for _ in range(3):
            process.get("/probe/read")
        yield process


def assert_is_framed(answer: httpx.Response) -> None:
    for name, value in FIXED.items():
        assert answer.headers.get_list(name) == [value]
    assert len(answer.headers.get_list("x-request-id")) == 1


@pytest.mark.parametrize(("status", "method", "path", "options"), ANSWERS)
def test_every_answer_has_the_fixed_headers_and_an_id_once(
    running: Backend, status: int, method: str, path: str, options: dict[str, object]
) -> None:
    answer = httpx.request(method, running.url + path, timeout=20, **options)  # type: ignore[arg-type]
    assert answer.status_code == status, answer.text
    assert_is_framed(answer)
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["title"] == HTTPStatus(status).phrase


def test_an_unchanged_answer_has_them_too(running: Backend) -> None:
    answer = running.get("/probe/etag", headers={"If-None-Match": "*"})
    assert answer.status_code == 304
    assert_is_framed(answer)


def test_a_preflight_has_them_too(running: Backend) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    answer = httpx.options(running.url + "/probe/read", headers=asked, timeout=20)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert_is_framed(answer)


@pytest.mark.parametrize(("status", "method", "path", "options"), ANSWERS[7:])
def test_a_page_that_may_call_reads_the_errors_too(
    running: Backend, status: int, method: str, path: str, options: dict[str, object]
) -> None:
    """Else the browser shows nothing of them but that there was one."""
    headers = {**options.get("headers", {}), "Origin": ORIGIN}  # type: ignore[dict-item]
    rest = {name: value for name, value in options.items() if name != "headers"}
    answer = httpx.request(method, running.url + path, headers=headers, timeout=20, **rest)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"RateLimit", "Retry-After", "X-Request-ID", "ETag"} <= set(exposed)


def test_pages_load_and_run_only_what_is_this_hosts_and_data_says_nothing_of_it(
    running: Backend,
) -> None:
    policy = running.get("/docs").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "content-security-policy" not in running.get("/livez").headers


def test_an_answer_without_a_database_has_them_too(
    template: URL, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("headers")
    nowhere = template.set(host="127.0.0.1", port=free_port())
    with backend(nowhere, folder, app="tests.app.probe:app") as running:
        for path in ("/health", "/probe/text?value=x"):
            answer = running.get(path)
            assert answer.status_code == 503
            assert_is_framed(answer)
