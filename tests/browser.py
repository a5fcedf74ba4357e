"""A real browser for the tests: Debian's Chromium, without a network of its own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

SCREENSHOTS = Path(__file__).resolve().parents[1] / ".hub" / "screenshots"

# It asks nobody on the internet for anything.
QUIET = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, without its sandbox: the tests may run as root.

    While Playwright runs, its event loop is this thread's, and no other one can be: start it after
    whatever needs one, and end it before.
    """
    program = shutil.which("chromium")
    assert program, "chromium is missing: apt-get install chromium (make test does it)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()
