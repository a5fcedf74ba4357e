"""pgAdmin as people see it, in Chromium: it opens the hub's tables and asks for no second password.

Its screenshots are left in .hub/screenshots.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, TimeoutError

from tests.browser import SCREENSHOTS, chromium
from tests.stack.library import library
from tests.stack.passwords import configure, hard
from tests.stack.stack_under_test import Stack, docker

TREE = (
    *("Servers", "Ontology Hub", "Databases", "ontology_hub"),
    *("Schemas", "public", "Tables", "entities"),
)
QUERY = "SELECT entity_type, count(*) FROM entities GROUP BY 1 ORDER BY 1"
COPY = "/var/lib/pgadmin/storage/admin_example.com/.pgpass"


@pytest.fixture(scope="module")
def stack(
    new_stack: Callable[[], Stack], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="true", ontologyPath=str(library(tmp_path_factory.mktemp("sources"))))
    stack.up()
    yield stack
    stack.destroy()
    assert not any(stack.objects().values())


def log_in(page: Page, stack: Stack) -> None:
    outputs = stack.outputs()
    page.goto(outputs["pgadmin_url"])
    # Its fields have no labels.
    page.locator("input[name=email]").fill(outputs["pgadmin_email"])
    page.locator("input[name=password]").fill(outputs["pgadmin_password"])
    page.get_by_role("button", name="Login").click()


def open_the_table(page: Page) -> None:
    """Go down the tree to the table `entities`, and select it."""
    nodes = [
        page.locator(f".file-entry.depth-{depth}", has=page.get_by_text(name, exact=True))
        for depth, name in enumerate(TREE, start=1)
    ]
    nodes[0].wait_for()
    for node, child in pairwise(nodes):
        unfold(node, child)
    nodes[-1].click()


def unfold(node: Locator, child: Locator) -> None:
    """Open a node, unless pgAdmin has done so by itself, as it does with an only child.

    On a busy machine it may show a node as open and empty: then once more, as a person would.
    """
    toggle = node.locator(".directory-toggle")
    for attempt in range(5):
        if attempt or "open" not in str(toggle.get_attribute("class")):
            toggle.click()
        with suppress(TimeoutError):
            child.wait_for(timeout=20_000)
            return
    raise AssertionError(f"{child} is not shown")


def query(page: Page, sql: str) -> list[str]:
    """Run SQL in the query tool and return the cells that it shows, line by line."""
    page.keyboard.press("Alt+Shift+q")
    tool = page.frame_locator("iframe[id^=id-query-tool]")
    tool.locator("[role=textbox][data-language=sql]").click()
    page.keyboard.type(sql)
    page.keyboard.press("F5")
    tool.get_by_role("gridcell").first.wait_for()
    return tool.get_by_role("gridcell").all_text_contents()


def look(stack: Stack, picture: str) -> None:
    """Do what a person does first in pgAdmin, and leave a picture of it."""
    asked: set[str] = set()
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        try:
            log_in(page, stack)
            open_the_table(page)
            cells = query(page, QUERY)
        finally:
            page.screenshot(path=SCREENSHOTS / f"{picture}.png")
    assert cells == ["1", "category", "2", "2", "property", "2"]
    # Nobody on the internet, as for a picture of whoever is logged in.
    assert asked == {urlsplit(stack.outputs()["pgadmin_url"]).netloc}


def test_the_first_login_leads_to_the_tables_and_a_query_shows_rows(stack: Stack) -> None:
    look(stack, "pgadmin")


def test_the_password_file_and_its_copy_are_for_their_user_alone(stack: Stack) -> None:
    files = ("/run/secrets/pgpass", COPY)
    owners = docker("exec", stack.container("pgadmin"), "stat", "-c", "%u %a %n", *files)
    assert owners.splitlines() == [f"5050 400 {files[0]}", f"5050 600 {files[1]}"]


def test_new_passwords_of_pgadmin_and_of_the_database_change_nothing_of_it(stack: Stack) -> None:
    configure(stack, **{key: hard(key) for key in ("ownerPassword", "pgadminPassword")})
    stack.up()
    assert stack.outputs()["pgadmin_password"] == hard("pgadminPassword")
    look(stack, "pgadmin-after-a-rotation")
