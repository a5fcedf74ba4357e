"""The pages without a database, and for whoever asks too often."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.app.proxy import Proxy
from tests.app.support import Backend, backend, free_port
from tests.app.test_frontdoor import AS_BROWSER, text_of

ADDRESSES = {"PGADMIN_URL": "http://127.0.0.1:5050", "GRAFANA_URL": "http://127.0.0.1:3000"}


@pytest.fixture(scope="module")
def alone(template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A backend without its database, beside a pgAdmin and a Grafana."""
    nowhere = template.set(host="127.0.0.1", port=free_port())
    folder = tmp_path_factory.mktemp("alone")
    with backend(nowhere, folder, variables=ADDRESSES) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/?q=agent", "/entity?type=category&id=X"])
def test_without_the_database_there_is_a_page_that_says_so(alone: Backend, path: str) -> None:
    shown = alone.get(path, headers=AS_BROWSER)
    assert shown.status_code == 503
    assert shown.headers["retry-after"] == "5"
    assert "Database does not answer" in text_of(shown)
    assert "pgAdmin not known open pgAdmin Grafana not known" in text_of(shown)
    assert 'href="http://127.0.0.1:5050/"' in shown.text
    assert 'href="http://127.0.0.1:3000/"' in shown.text
    problem = alone.get(path)
    assert problem.status_code == 503
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.headers["retry-after"] == "5"


def test_a_silent_database_costs_a_reader_the_probes_time_and_not_the_requests(
    template: URL, tmp_path: Path
) -> None:
    with Proxy(str(template.host), template.port or 5432) as relay:
        behind = template.set(host="127.0.0.1", port=relay.port)
        variables = {"REQUEST_TIMEOUT": "60", "HEALTH_TIMEOUT": "0.5"}
        with backend(behind, tmp_path, variables=variables) as running:
            assert running.get("/", headers=AS_BROWSER).status_code == 200
            relay.silence()
            shown = running.get("/", headers=AS_BROWSER)  # which waits for 20 s at most
            assert shown.status_code == 503
            assert "Database does not answer" in text_of(shown)
            relay.speak()


def test_the_pages_are_limited_as_the_api_is(template: URL, tmp_path: Path) -> None:
    variables = ADDRESSES | {"LISTS_PER_MINUTE": "2"}
    with backend(template, tmp_path, variables=variables) as running:
        first = running.get("/")
        assert first.json()["links"]["pgadmin"] == "http://127.0.0.1:5050/"
        assert first.json()["links"]["grafana"] == "http://127.0.0.1:3000/"
        assert running.get("/", headers=AS_BROWSER).status_code == 200
        refused = running.get("/", headers=AS_BROWSER)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert "Rate limit exceeded" in text_of(refused)
