"""A page as it looks: its picture is kept in .hub/screenshots, and axe has nothing to say of it."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has none
from playwright.sync_api import Page

from tests.browser import SCREENSHOTS

WIDTHS = {"desktop": 1280, "phone": 375}
Scheme = Literal["light", "dark"]


def accessible_at(page: Page, path: str, name: str, width: str, scheme: Scheme) -> None:
    """Open the path in this width and colour scheme; it fits, and axe finds nothing."""
    page.set_viewport_size({"width": WIDTHS[width], "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(path)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
