"""The services' health in Chromium: with some well, sick and absent, and without the database."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy.engine import URL

from tests.app.neighbours import Answering, serving, status
from tests.app.support import backend, free_port
from tests.web.looks import Scheme, accessible_at

LINKS = {"PGADMIN_URL": "http://127.0.0.1:5050", "GRAFANA_URL": "http://127.0.0.1:3000"}


@pytest.fixture(scope="module")
def roots(
    template: URL, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """A hub with its database and one without, whose neighbours are the same."""
    folder = tmp_path_factory.mktemp("services")
    nowhere = template.set(host="127.0.0.1", port=free_port())
    with serving(Answering()) as well, serving(Answering(503)) as sick:
        services = {
            "pgAdmin": well.url,
            "Grafana": f"http://127.0.0.1:{free_port()}/",
            "Dumps": sick.url,
            "PostgreSQL exporter": well.url,
        }
        with status(services) as (url, _):
            variables = {**LINKS, "STATUS_URL": url}
            with (
                backend(template, folder, variables=variables) as whole,
                backend(nowhere, folder, variables=variables) as alone,
            ):
                yield {"services": whole.url, "services-without-database": alone.url}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desktop", "phone"])
@pytest.mark.parametrize("name", ["services", "services-without-database"])
def test_axe_finds_nothing_in_what_is_said_of_them(
    browser: Browser, roots: dict[str, str], name: str, width: str, scheme: Scheme
) -> None:
    with browser.new_context(base_url=roots[name]) as context:
        page = context.new_page()
        accessible_at(page, "/", name, width, scheme)
        services = page.get_by_role("region", name="Services")
        expect(services.get_by_role("link")).to_have_text(["open pgAdmin", "open Grafana"])
        expect(services.locator(".bad").first).to_be_visible()
