"""Pages: made from templates, without a script, and with all that they need in one answer."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import mimeparse  # type: ignore[import-untyped]  # it has none
from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.api.answers import html_answer
from app.config import get_settings
from app.frontdoor.drawing import BOX_HEIGHT, BOX_WIDTH
from app.frontdoor.services import Service

_TEMPLATES = Path(__file__).with_name("templates")
_STYLE = (_TEMPLATES / "style.css").read_text(encoding="utf-8")

# Nothing is loaded and nothing runs, should a label ever get through as markup: the page's one
# style sheet is known by its hash, and the search form leads to this host.
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


def page_url(kind: str, ident: str) -> str:
    """Return the address of an entity's or a module's page; in its query: ids may hold slashes."""
    if kind == "module":
        return "/module?" + urlencode({"id": ident})
    return "/entity?" + urlencode({"type": kind, "id": ident})


_pages = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.globals |= {
    "style": Markup(_STYLE),  # noqa: S704  # our own file
    "page_url": page_url,
    "box_width": BOX_WIDTH,
    "box_height": BOX_HEIGHT,
}


def prefers_html(request: Request) -> bool:
    """Tell whether the client would rather have a page: as browsers say. `*/*` alone does not."""
    accepted = ",".join(request.headers.getlist("accept"))
    try:
        best = mimeparse.best_match(["text/html", "application/json"], accepted)
    except (mimeparse.MimeTypeParseException, ValueError):
        return False
    return bool(best == "text/html")


def page(request: Request, template: str, **values: Any) -> Response:
    """Return the page of a template, or 304 where the client holds it already."""
    return html_answer(request, rendered(request, template, **values), _POLICY)


def rendered(request: Request, template: str, **values: Any) -> str:
    """Return the text of a template's page; `values` are added to what every page shows."""
    settings = get_settings()
    common = {
        "hub": request.app.title,
        "version": request.app.version,
        "api": settings.api_v1_prefix,
        "pgadmin_url": settings.pgadmin_url,
        "grafana_url": settings.grafana_url,
        "term": request.query_params.get("q", "")[:100],
    }
    return _pages.get_template(template).render(common | values)


def error_page(
    request: Request, problem: dict[str, Any], services: list[Service] | None
) -> Response:
    """Return the page that says what a problem (its members) says, and how the services are."""
    values = {"problem": problem, "errors": problem.get("errors", []), "services": services}
    text = rendered(request, "error.html", **values)
    headers = {"Content-Security-Policy": _POLICY, "Vary": "Accept"}
    return Response(text, problem["status"], headers, "text/html")
