"""What the front door of a stack says of the services."""

import re
from html import unescape

import httpx

from tests.stack.stack_under_test import Stack


def front_door(stack: Stack) -> dict[str, str]:
    """Return what it says of each; with what it can be opened by, if it can."""
    url = f"http://127.0.0.1:{8000 + stack.offset}/"
    page = httpx.get(url, headers={"Accept": "text/html"}, timeout=20).text
    services = page.split('id="services"')[1].split("</dl>")[0]
    found = {}
    for one in re.findall("(?s)<div>(.*?)</div>", services):
        name, *told = [
            unescape(re.sub("<[^>]*>", "", line)) for line in re.findall("<d[td].*", one)
        ]
        found[name] = ", ".join(told)
    return found
