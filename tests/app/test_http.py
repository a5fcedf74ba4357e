"""What the application answers: docs without the internet, errors, CORS."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.app.support import Backend, backend

ORIGIN = "https://wiki.example.org"


@pytest.fixture(scope="module")
def plain(template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A backend with no setting but the database's address."""
    with backend(template, tmp_path_factory.mktemp("http")) as running:
        yield running


def test_the_docs_and_all_they_load_come_from_this_host(plain: Backend) -> None:
    page = plain.get("/docs")
    assert page.status_code == 200
    assert re.findall(r"""["'(](?:https?:)?//[^"')]+""", page.text) == []
    loaded = re.findall(r"""<(?:script|link)[^>]+(?:src|href)="([^"]+)\"""", page.text)
    assert len(loaded) >= 3
    for path in [*loaded, "/openapi.json"]:
        assert plain.get(urljoin("/docs", path)).status_code == 200, path
    # Swagger UI's default asks a foreign host for a badge.
    assert '"validatorUrl": null' in page.text


def test_there_is_one_kind_of_docs(plain: Backend) -> None:
    assert plain.get("/redoc").status_code == 404


def test_an_error_is_a_problem_that_does_not_echo_the_path(plain: Backend) -> None:
    response = plain.get("/api/v1/nothing/TOKEN")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert set(response.json()) == {"type", "title", "status", "detail"}
    assert "TOKEN" not in response.text


@pytest.mark.parametrize("path", ["/health", "/livez"])
def test_the_health_routes_answer_head_as_they_answer_get(plain: Backend, path: str) -> None:
    answer = httpx.head(plain.url + path, timeout=20)
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_docs_show_what_health_answers(plain: Backend) -> None:
    paths = plain.get("/openapi.json").json()["paths"]
    assert set(paths["/health"]) == {"get"}
    answers = paths["/health"]["get"]["responses"]
    models = {
        code: answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for code, answer in answers.items()
        if "application/json" in answer["content"]
    }
    assert models == {"200": "Healthy", "503": "Unhealthy"}


def preflight(running: Backend) -> dict[str, str]:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    answers = [
        running.get("/livez", headers={"Origin": ORIGIN}),
        httpx.options(running.url + "/livez", headers=headers),
    ]
    return {
        name: value
        for answer in answers
        for name, value in answer.headers.items()
        if name.startswith("access-control-")
    }


def test_no_foreign_page_may_call_the_api_by_default(plain: Backend) -> None:
    assert preflight(plain) == {}


def test_configured_origins_may_call_the_api_and_others_not(template: URL, tmp_path: Path) -> None:
    variables = {"CORS_ORIGINS": f"https://other.example.org, {ORIGIN}"}
    with backend(template, tmp_path, variables=variables) as running:
        allowed = preflight(running)
        assert allowed["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in allowed
        foreign = running.get("/livez", headers={"Origin": "https://evil.example.org"})
        assert "access-control-allow-origin" not in foreign.headers
