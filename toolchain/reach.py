"""Where people reach a running stack, and with which logins."""

import os
import sys
import webbrowser
from typing import Any
from urllib.parse import unquote, urlsplit

from toolchain import console, pulumi
from toolchain.console import UserError

# A service that people use: its name, URL, login, password; "" where there is none.
Row = tuple[str, str, str, str]

_HEADINGS = ("service", "URL", "login", "password")


def urls(stack: str) -> None:
    """Print the stack's URLs, and the command that shows the passwords."""
    outputs = pulumi.outputs(stack)
    if "api_url" not in outputs:  # the first `up` has failed, perhaps half way through the outputs
        return
    console.table([row[:2] for row in (_HEADINGS, *_rows(outputs))])
    if imported := outputs.get("ontology_import"):
        console.say(f"imported: {imported}")
    console.say("passwords: make open (or: pulumi stack output --show-secrets)")


def open_hub(stack: str) -> None:
    """Print URLs, logins and passwords, and open the front door in the desktop's browser."""
    outputs = pulumi.outputs(stack, secrets=True)
    if "api_url" not in outputs:
        raise UserError(f"stack {stack} is not deployed", "make up")
    console.table([_HEADINGS, *_rows(outputs), *_database(outputs)])
    if _has_desktop() and not webbrowser.open(outputs["api_url"]):
        console.say("no browser could be started")


def _rows(outputs: dict[str, Any]) -> list[Row]:
    rows: list[Row] = [
        ("front door", outputs["api_url"], "", ""),
        ("API docs", outputs["docs_url"], "", ""),
        ("pgAdmin", outputs["pgadmin_url"], outputs["pgadmin_email"], outputs["pgadmin_password"]),
    ]
    if "grafana_url" in outputs:
        rows.append(("Grafana", outputs["grafana_url"], "admin", outputs["grafana_password"]))
    else:
        rows.append(("Grafana", "off (see `grafana` in the README)", "", ""))
    return rows


def _database(outputs: dict[str, Any]) -> list[Row]:
    """Return the database's row, where it has a host port; its URL is a secret as a whole."""
    if "database_url" not in outputs:
        return []
    url = urlsplit(outputs["database_url"])
    place = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    return [("PostgreSQL", place, url.username or "", unquote(url.password or ""))]


def _has_desktop() -> bool:
    """Tell whether there is a screen: where none is, Python would take the terminal for lynx."""
    return sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
