"""The requests' metrics: each is counted once, and nothing of it but its kind."""

import random
import string
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from app.conduct.policies import Policy
from app.conduct.protocol import MAX_HEAD
from tests.app import drafts_support as drafts
from tests.app.raw import connected
from tests.app.scrapes import Measured, Scrape, listening, measured
from tests.app.support import backend

API = "/api/v1"
DRAFT = {"payload": drafts.proposal(categories=[drafts.entity("Bird", label="Birdie")])}
KEY = ("method", "route", "status")


@pytest.fixture(scope="module")
def one(module_database: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """The file's backend, with a small ontology."""
    drafts.seed(module_database)
    folder = tmp_path_factory.mktemp("metrics")
    variables = {"MAX_BODY_BYTES": "2048", "READS_PER_MINUTE": "100000", "REQUEST_TIMEOUT": "3"}
    options = ("--log-config", str(Path(drafts.__file__).parents[2] / "app" / "log_config.json"))
    with measured(module_database, folder, *options, variables=variables) as running:
        yield running


def counted(scrape: Scrape) -> Counter[tuple[str, ...]]:
    values = scrape.values("hub_http_requests_total", *KEY)
    return Counter({key: int(value) for key, value in values.items()})


def test_each_request_counts_once_under_its_template_with_its_status(one: Measured) -> None:
    before = counted(one.at_rest())
    html = {"Accept": "text/html"}
    with httpx.Client(base_url=one.running.url, timeout=20) as client:
        token = drafts.token_of(client.post(f"{API}/drafts", json=DRAFT).json())
        for method, path, headers in (
            ("GET", f"{API}/entities/category/Bird", {}),
            ("GET", f"{API}/entities/category/Thing", {}),
            ("HEAD", f"{API}/entities/category/Bird", {}),
            ("GET", f"{API}/entities/category/Nothing", {}),
            ("GET", f"{API}/entities/no-such-kind/Bird", {}),
            ("DELETE", f"{API}/entities/category/Bird", {}),
            ("GET", f"{API}/drafts/{token}", {}),
            ("GET", f"{API}/drafts/{token[::-1]}", {}),
            ("GET", "/", html),
            ("GET", "/", {}),
            ("GET", "/entity?type=category&id=Bird", html),
            ("GET", "/health", {}),
            ("GET", "/docs", {}),
            ("GET", "/nowhere/at/all", {}),
        ):
            client.request(method, path, headers=headers)
        client.post(f"{API}/drafts", content=b"x" * 4096)
    entity = f"{API}/entities/{{entity_type}}/{{entity_id}}"
    draft = f"{API}/drafts/{{token:draft_token}}"
    found = one.at_rest()
    assert counted(found) - before == {
        ("POST", f"{API}/drafts", "201"): 1,
        ("GET", entity, "200"): 2,
        ("HEAD", entity, "200"): 1,
        ("GET", entity, "404"): 1,
        ("GET", entity, "422"): 1,
        ("DELETE", entity, "405"): 1,
        ("GET", draft, "200"): 1,
        ("GET", draft, "404"): 1,
        ("GET", "/", "200"): 2,
        ("GET", "/entity", "200"): 1,
        ("GET", "/health", "200"): 1,
        ("GET", "/docs", "200"): 1,
        ("GET", "unmatched", "404"): 1,
        ("POST", "unmatched", "413"): 1,
    }
    for secret in (token, token[::-1], "Bird", "Thing", "no-such-kind", "nowhere", "127.0.0.1"):
        assert secret not in found.text


def test_the_metrics_and_the_access_log_tell_the_same(one: Measured) -> None:
    for path in ("/", f"{API}/modules", f"{API}/modules/zoo", "/nowhere"):
        one.running.get(path)
    found = one.at_rest()
    metrics = counted(found)
    durations = found.samples["hub_http_request_duration_seconds_count"]
    in_time = {(given["method"], given["route"]): int(value) for given, value in durations}
    by_route: Counter[tuple[str, ...]] = Counter()
    for (method, route, _), count in metrics.items():
        by_route[method, route] += count
    assert by_route == in_time
    told = Counter({key: count for key, count in metrics.items() if key[1] != "/health"})

    def logged() -> Counter[tuple[str, ...]]:
        lines = [line for line in one.running.lines() if line["logger"] == "app.access"]
        return Counter(
            (line["method"], line["route"] or "unmatched", str(line["status"])) for line in lines
        )

    deadline = time.monotonic() + 5
    while logged() != told and time.monotonic() < deadline:
        time.sleep(0.05)  # lines are written together, a moment later
    assert logged() == told


def test_what_never_became_a_request_is_counted_too(one: Measured) -> None:
    before = one.at_rest()
    start = b"GET / HTTP/1.1\r\nHost: "
    body_to_come = f"POST {API}/drafts HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\n".encode()
    for sent, status in (
        (b"no HTTP at all\r\n\r\n", b" 400 "),
        (start + b"x" * (MAX_HEAD + 1), b" 431 "),
        (start, b" 408 "),
        (body_to_come, b" 408 "),
    ):
        with connected(one.running) as raw:
            raw.socket.sendall(sent)
            assert status in raw.answer()
    found = one.at_rest()
    assert counted(found) - counted(before) == {
        ("other", "unmatched", "400"): 1,
        ("other", "unmatched", "431"): 1,
        ("other", "unmatched", "408"): 1,
        ("POST", f"{API}/drafts", "408"): 1,
    }


def test_labels_are_bounded_whatever_is_asked_for(one: Measured) -> None:
    seed = random.Random(6)  # noqa: S311

    def word() -> str:
        return "".join(seed.choices(string.ascii_letters, k=12))

    def ask(client: httpx.Client) -> str:
        path = f"{seed.choice(['', API, f'{API}/drafts', f'{API}/entities/category'])}/{word()}"
        method = seed.choice(["GET", "PUT", "PROPFIND", "MKCOL", "PURGE", "BREW", word().upper()])
        client.request(method, path, params={word(): word()})
        return path

    with httpx.Client(base_url=one.running.url, timeout=20) as client:
        asked = [ask(client) for _ in range(50)]
        first = one.at_rest()
        asked += [ask(client) for _ in range(450)]
    found = one.at_rest()
    assert sum(counted(found).values()) - sum(counted(first).values()) == 450
    assert {method for method, _, _ in counted(found)} <= {
        *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other")
    }
    words = {part for path in asked for part in path.split("/") if len(part) == 12}
    assert [word for word in words if word in found.text] == []
    # One series for each of at most four routes, three methods and five answers.
    assert len(counted(found)) - len(counted(first)) < 20


def test_refusals_are_counted_by_policy(
    module_database: URL, one: Measured, tmp_path: Path
) -> None:
    variables = {"DRAFTS_PER_HOUR": "1", "READS_PER_MINUTE": "1", "LISTS_PER_MINUTE": "1"}
    with measured(module_database, tmp_path, variables=variables) as limited:
        assert limited.scrape().values("hub_rate_limit_refusals_total", "policy") == {
            (policy.value,): 0 for policy in Policy
        }
        with httpx.Client(base_url=limited.running.url + API, timeout=20) as client:
            # Of this client another backend has taken a draft in this hour.
            assert client.post("/drafts", json=DRAFT).status_code == 429
            for _ in range(3):
                client.get("/entities/category/Bird")
            for _ in range(2):
                client.get("/modules")
        found = limited.at_rest()
        assert found.values("hub_rate_limit_refusals_total", "policy") == {
            ("draft_create",): 1,
            ("draft_read",): 0,
            ("entity_list",): 1,
            ("entity_read",): 2,
        }
        refused = [count for (*_, status), count in counted(found).items() if status == "429"]
        assert sum(refused) == 4


def test_nothing_but_the_metrics_is_on_their_port(one: Measured) -> None:
    for path in ("/", "/metrics/", "/docs", "/favicon.ico", f"{API}/entities/category/Bird"):
        assert httpx.get(f"http://127.0.0.1:{one.port}{path}").status_code == 404
    assert one.running.get("/metrics").status_code == 404
    assert listening(one.running.process.pid) == {one.running.port, one.port}


def test_without_a_port_nothing_listens_but_the_server(template: URL, tmp_path: Path) -> None:
    with backend(template, tmp_path) as running:
        assert running.get("/livez").status_code == 200
        assert listening(running.process.pid) == {running.port}


def test_a_port_that_is_taken_is_told_in_one_line_and_the_hub_serves(
    template: URL, one: Measured, tmp_path: Path
) -> None:
    variables = {"METRICS_PORT": str(one.port)}
    with backend(template, tmp_path, variables=variables) as running:
        assert running.get("/health").status_code == 200
        lines = [line for line in running.text().splitlines() if "METRICS_PORT" in line]
    assert len(lines) == 1
    assert f"METRICS_PORT {one.port} cannot be listened on (Address already in use)" in lines[0]
    assert "Traceback" not in running.text()


def test_the_metrics_are_there_again_after_a_reload(template: URL, tmp_path: Path) -> None:
    code = tmp_path / "reloaded.py"
    code.write_text("from app.main import app  # noqa: F401\n")
    options = ("--reload", "--reload-dir", str(tmp_path))
    with measured(template, tmp_path, *options, app="reloaded:app") as watched:
        watched.running.get("/livez")  # waits until the app is there

        def began() -> float | None:
            try:
                return watched.scrape().value("process_start_time_seconds")
            except httpx.TransportError:
                return None  # between the one and the other

        first = began()
        assert first is not None
        code.write_text(code.read_text() + "# edited\n")
        deadline = time.monotonic() + 20
        while began() in (None, first):
            assert time.monotonic() < deadline, watched.running.text()
            time.sleep(0.1)
        assert watched.running.terminate() == 0
        assert began() is None
