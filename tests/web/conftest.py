"""A real browser, Debian's Chromium, and a backend with an ontology for it to look at."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.app.conftest import create_database, roles, server, serving, template
from tests.app.hub import Hub
from tests.browser import chromium

__all__ = ["create_database", "roles", "server", "serving", "template"]  # fixtures

HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


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
    """After the hub, and until before its end: see `chromium`."""
    with chromium() as started:
        yield started
