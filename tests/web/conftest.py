"""A real browser, Debian's Chromium, and a backend with an ontology for it to look at."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.app.conftest import create_database, roles, server, serving, template
from tests.app.hub import Hub

__all__ = ["create_database", "roles", "server", "serving", "template"]  # fixtures

SCREENSHOTS = Path(__file__).resolve().parents[2] / ".hub" / "screenshots"

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"

# It asks nobody on the internet for anything.
QUIET = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture(scope="module")
def hub(serving: Hub) -> Hub:
    """A hub with a small ontology: a circle, a missing parent, a long label and a hostile one."""
    serving.category("Thing", label="Thing")
    serving.category("Agent", "Thing", label="Agent")
    serving.category("Place", "Thing", "Region", label="Place")
    person = {"properties": ["Has_name", "Has_email"], "subobjects": ["Address"]}
    serving.category("Person", "Agent", "Mortal", label="Person", **person)
    serving.category("Egg", "Hen", label="Egg")
    serving.category("Hen", "Egg", "Agent", label="Hen")
    for name in ("Author", "Professor", "Student", "Engineer", "Doctor of philosophy, retired"):
        serving.category(name.replace(" ", "_"), "Person", label=name)
    serving.entity("property", "Has_name", label="Has name", description="What it is called by")
    serving.entity("property", "Has_email", label="Has email", description="Where it is written to")
    serving.entity("subobject", "Address", label="Address")
    serving.category("Hostile", HOSTILE, label=HOSTILE)
    serving.module("Core", "Thing", "Agent", "Person", label="The core")
    serving.module("Places", "Place", label="Places", needs=("Core",))
    return serving


@pytest.fixture(scope="module")
def browser(hub: Hub) -> Iterator[Browser]:
    """Chromium, with a profile of its own, and without its sandbox: the tests may run as root.

    After the hub and until before its end: while Playwright runs, its event loop is this thread's,
    and no other one can be.
    """
    program = shutil.which("chromium")
    assert program, "chromium is missing: apt-get install chromium (make test does it)"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield chromium
        chromium.close()
