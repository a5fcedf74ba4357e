"""The reading routes' way through FastAPI, and their place in the application."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from app.api.answers import CONDITIONAL, NOT_MODIFIED
from app.config import get_settings


class ReadRoute(APIRoute):
    """A route that takes path and query parameters only, and returns a Response.

    A valid request takes a short way, without FastAPI's dependencies and exit stacks, which cost
    more than the rest of a read (docs/decisions/0014). Every other one, from a 405 to a 422, is
    FastAPI's to answer, and so are signature and OpenAPI.
    """

    def __init__(self, path: str, endpoint: Any, **options: Any) -> None:
        options["responses"] = NOT_MODIFIED | (options.get("responses") or {})
        options["openapi_extra"] = CONDITIONAL
        super().__init__(path, endpoint, **options)
        taken = self.dependant
        if taken.dependencies or taken.header_params or taken.cookie_params or taken.body_params:
            raise TypeError(f"{path}: a ReadRoute takes path and query parameters only")

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        values = self._values(scope)
        if values is None:
            await super().handle(scope, receive, send)
            return
        response = await self.endpoint(**values)
        await response(scope, receive, send)

    def _values(self, scope: Scope) -> dict[str, Any] | None:
        """Return the endpoint's arguments; None if the request is not simply a valid one."""
        if scope["method"] not in (self.methods or ()):
            return None
        request = Request(scope)
        values: dict[str, Any] = {"request": request}
        for field in self.dependant.path_params:
            values[field.name], errors = field.validate(scope["path_params"][field.alias])
            if errors:
                return None
        for field in self.dependant.query_params:
            text = request.query_params.get(field.alias)
            if text is not None:
                values[field.name], errors = field.validate(text)
                if errors:
                    return None
            elif field.field_info.is_required():
                return None
            # Else the endpoint's own default holds.
        return values


def read_router(name: str) -> APIRouter:
    """Return a router for `/<name>` below the API's prefix, whose routes are ReadRoutes."""
    prefix = f"{get_settings().api_v1_prefix}/{name}"
    return APIRouter(prefix=prefix, tags=[name], route_class=ReadRoute)


def add_reads(app: FastAPI, *routers: APIRouter) -> None:
    """Put the routers' routes into the application itself.

    include_router would match a request's path twice for each router around its route.
    """
    for router in routers:
        app.router.routes.extend(router.routes)


def answer_head(app: FastAPI) -> None:
    """Let every ReadRoute of the application answer HEAD too; the server leaves the body out.

    After all other routes are there. With routes of their own, which stand last, no GET has more
    routes to be tried against, and OpenAPI shows no operation twice.
    """
    reads = [route for route in app.router.routes if isinstance(route, ReadRoute)]
    for read in reads:
        head = ReadRoute(read.path, read.endpoint, methods=["HEAD"], include_in_schema=False)
        app.router.routes.append(head)
