"""How often a client may ask: what is counted, what is told, what is kept in memory."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy.engine import URL

from app.conduct.counters import Counters
from app.conduct.policies import Policy, Rule
from tests.app.support import Backend, backend

AMOUNTS = {"READS_PER_MINUTE": "4", "LISTS_PER_MINUTE": "2"}
RATE_HEADERS = {"ratelimit", "ratelimit-policy"}


@pytest.fixture(scope="module")
def running(template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A backend with small limits; each test is a client of its own, behind a trusted proxy."""
    variables = {**AMOUNTS, "TRUSTED_PROXIES": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("limits")
    options = ("--no-proxy-headers",)
    app = "tests.app.probe:app"
    with backend(template, folder, *options, app=app, variables=variables) as process:
        yield process


_clients = iter(range(1, 255))


@pytest.fixture
def client(running: Backend) -> Iterator[httpx.Client]:
    """A client with an address of its own."""
    headers = {"X-Forwarded-For": f"192.0.2.{next(_clients)}"}
    with httpx.Client(base_url=running.url, headers=headers, timeout=20) as session:
        yield session


def codes(client: httpx.Client, path: str, times: int) -> list[int]:
    return [client.get(path).status_code for _ in range(times)]


def test_the_first_request_over_the_limit_is_refused(client: httpx.Client) -> None:
    assert codes(client, "/probe/read", 6) == [200] * 4 + [429] * 2
    assert codes(client, "/probe/listed", 3) == [200] * 2 + [429]


def test_a_refusal_says_how_much_is_allowed_and_when(client: httpx.Client) -> None:
    codes(client, "/probe/read", 4)
    refused = client.get("/probe/read")
    assert refused.headers["content-type"] == "application/problem+json"
    wait = refused.json()["retry_after"]
    assert refused.json() == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Rate limit exceeded: 4 per 1 minute",
        "retry_after": wait,
    }
    assert 1 <= wait <= 60
    assert refused.headers["retry-after"] == str(wait)
    assert refused.headers["ratelimit-policy"] == '"entity_read";q=4;w=60'
    assert refused.headers["ratelimit"] == f'"entity_read";r=0;t={wait}'


def test_the_wording_is_the_contracts() -> None:
    rule = Rule(Policy.DRAFT_CREATE, 20, "hour")
    assert rule.sentence == "Rate limit exceeded: 20 per 1 hour"
    assert rule.header == (b"ratelimit-policy", b'"draft_create";q=20;w=3600')


@pytest.mark.parametrize("path", ["/probe/read", "/probe/read?code=404", "/probe/other"])
def test_a_limited_answer_tells_what_is_left(client: httpx.Client, path: str) -> None:
    told = [client.get(path).headers for _ in range(3)]
    assert {headers["ratelimit-policy"] for headers in told} == {'"entity_read";q=4;w=60'}
    left = [headers["ratelimit"].split(";t=") for headers in told]
    assert [rest for rest, _ in left] == [f'"entity_read";r={rest}' for rest in (3, 2, 1)]
    assert all(1 <= int(seconds) <= 60 for _, seconds in left)
    assert all(headers.get_list("ratelimit") == [headers["ratelimit"]] for headers in told)


def test_an_answer_304_is_counted_and_tells_it(client: httpx.Client) -> None:
    etag = client.get("/probe/read").headers["etag"]
    unchanged = client.get("/probe/read", headers={"If-None-Match": etag})
    assert unchanged.status_code == 304
    assert unchanged.headers["ratelimit"].startswith('"entity_read";r=2;')


def test_each_route_is_counted_by_itself(client: httpx.Client) -> None:
    assert codes(client, "/probe/read", 5)[-1] == 429
    assert codes(client, "/probe/other", 4) == [200] * 4


def test_both_spellings_of_a_path_are_one_route(client: httpx.Client) -> None:
    assert codes(client, "/probe/read", 2) + codes(client, "/probe/read/", 3) == [200] * 4 + [429]


def test_a_request_that_is_not_valid_is_not_counted(client: httpx.Client) -> None:
    refused = [client.get("/probe/read?code=x") for _ in range(6)]
    assert {answer.status_code for answer in refused} == {422}
    assert not RATE_HEADERS & set(refused[0].headers)
    assert codes(client, "/probe/read", 4) == [200] * 4


def test_what_the_route_itself_refuses_is_counted(client: httpx.Client) -> None:
    """Else tokens could be guessed without end."""
    assert codes(client, "/probe/read?code=404", 5) == [404] * 4 + [429]


def test_health_is_not_limited(client: httpx.Client) -> None:
    for path in ("/livez", "/health"):
        assert codes(client, path, 10) == [200] * 10
        assert not RATE_HEADERS & set(client.get(path).headers)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_begins_with_the_first_request_and_ends_after_its_time() -> None:
    clock = Clock()
    counters = Counters(clock=clock)
    assert counters.count("a", 60) == (1, 60)
    clock.now += 59.5
    assert counters.count("a", 60) == (2, 0.5)
    assert counters.count("b", 60) == (1, 60)
    clock.now += 0.5
    assert counters.count("a", 60) == (1, 60)


def test_many_clients_take_no_more_than_the_given_memory() -> None:
    counters = Counters(size=100, clock=Clock())
    for number in range(1000):
        counters.count(str(number), 60)
    assert len(counters) == 100
    assert counters.count("999", 60) == (2, 60)
    assert counters.count("899", 60) == (1, 60)  # its window was the first to make room


def test_windows_that_are_over_go_by_themselves() -> None:
    clock = Clock()
    counters = Counters(clock=clock)
    for number in range(100):
        counters.count(f"old {number}", 60)
    clock.now += 61
    for number in range(100):
        counters.count(f"new {number}", 60)
    assert len(counters) == 100


def test_a_window_that_begins_anew_is_not_the_next_to_make_room() -> None:
    clock = Clock()
    counters = Counters(size=2, clock=clock)
    counters.count("a", 60)
    clock.now += 30
    counters.count("b", 60)
    clock.now += 30
    counters.count("a", 60)  # over, begins anew: b's is the oldest now
    counters.count("c", 60)
    assert counters.count("a", 60)[0] == 2
