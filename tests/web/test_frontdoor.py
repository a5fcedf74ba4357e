"""The pages in Chromium: usable by everybody, on any width, without scripts and without a network.

Their screenshots are left in .hub/screenshots.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app.hub import Hub
from tests.web.conftest import HOSTILE
from tests.web.looks import WIDTHS, Scheme, accessible_at

PAGES = {
    "start": "/",
    "search": "/?q=per",
    "nothing-found": "/?q=zzz",
    "category": "/entity?type=category&id=Person",
    "circle": "/entity?type=category&id=Hen",
    "property": "/entity?type=property&id=Has_name",
    "module": "/module?id=Places",
    "missing": "/entity?type=category&id=Nobody",
}


@pytest.fixture
def page(browser: Browser, hub: Hub) -> Iterator[Page]:
    """A page of a new profile."""
    with browser.new_context(base_url=hub.root) as context:
        yield context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_the_page_fits(
    page: Page, name: str, width: str, scheme: Scheme
) -> None:
    accessible_at(page, PAGES[name], name, width, scheme)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_one_request_that_the_browser_has_nothing_to_say_about(
    page: Page, name: str
) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    answer = page.goto(PAGES[name], wait_until="networkidle")
    assert answer is not None
    assert asked == [answer.url]
    # What Chromium says of any status that is an error.
    assert [line for line in said if not line.startswith("Failed to load resource")] == []


def test_the_style_sheet_passes_the_pages_own_policy(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".home")).to_have_css("font-weight", "700")


def test_without_scripts_a_search_leads_to_the_picture_and_along_it(
    browser: Browser, hub: Hub
) -> None:
    with browser.new_context(base_url=hub.root, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Search the ontology").fill("person")
        page.keyboard.press("Enter")
        page.get_by_role("main").get_by_role("link", name="Person", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Person")
        picture = page.get_by_role("group", name="Inheritance")
        assert [one.text_content() for one in picture.locator("text").all()] == [
            *("Thing", "Agent", "Mortal", "Person"),
            *("Author", "Doctor of philo…", "Engineer", "Professor", "Student"),
        ]
        picture.get_by_role("link", name="Agent").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Agent")


def test_no_two_boxes_of_a_picture_overlap(page: Page) -> None:
    for name in ("category", "circle"):
        page.goto(PAGES[name])
        boxes = [one.bounding_box() for one in page.locator("rect").all()]
        corners = {(box["x"], box["y"]) for box in boxes if box is not None}
        assert len(corners) == len(boxes)


@pytest.mark.parametrize("path", ["/?q=hostile", "/entity?type=category&id=Hostile"])
def test_what_hostile_labels_hold_does_not_run(page: Page, path: str) -> None:
    page.goto(path, wait_until="networkidle")
    assert page.title() != "run"
    assert page.locator("main img, main script").count() == 0
    assert page.get_by_role("main").get_by_text(HOSTILE[:50]).count() > 0
