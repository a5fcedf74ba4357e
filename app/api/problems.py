"""What the docs say of errors: every one is a problem (RFC 9457), in application/problem+json.

A route names its own by `responses=problems({404: "Draft not found"})`; what any route, or any with
a body, a limit or parameters may answer is added here.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field

from app.conduct.policies import is_limited
from app.errors import PROBLEM_JSON

Json = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")
_FASTAPIS_422 = "Validation Error"


class Problem(BaseModel):
    """An error."""

    type: str = Field(description="Always about:blank: the status says all that a type could")
    title: str = Field(description="The status in words")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="What is wrong, in one sentence")


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    loc: list[str | int] = Field(description="Where: path, query or body, then names and indexes")
    msg: str = Field(description="What is wrong there")
    type: str = Field(description="The same as a short word for programs")


class ValidationProblem(Problem):
    """The error of a request that cannot be used."""

    errors: list[Fault]


class LimitProblem(Problem):
    """The error of a client that asks too often."""

    retry_after: int = Field(description="Seconds until it may ask again")


_MODELS: dict[str, type[Problem]] = {"422": ValidationProblem, "429": LimitProblem}

_ANY = {"500": "An unexpected error", "503": "The database does not answer, or took too long"}
_WITH_BODY = {
    "400": "The body cannot be read as JSON",
    "408": "The body has not arrived in time",
    "413": "The body is too large",
    "415": "The body is said to be something else than JSON",
    "422": "The request is not valid",
}
_LIMITED = {"429": "This client has asked too often"}

_HEADERS: Json = {
    "RateLimit-Policy": {
        "description": "The limit by its name: q requests within w seconds",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of it: r requests, for t seconds",
        "schema": {"type": "string"},
    },
}
_RETRY_AFTER: Json = {
    "Retry-After": {
        "description": "Seconds until asking again may help",
        "schema": {"type": "integer", "minimum": 1},
    }
}


def problems(details: Mapping[int, str]) -> dict[int | str, Json]:
    """Return what a route's `responses` say of these errors: per status, when it is answered."""
    return {status: {"description": detail} for status, detail in details.items()}


def declare_problems(app: FastAPI) -> None:
    """Make the app's OpenAPI document say of each error what is really answered."""
    generate = app.openapi
    done: Json | None = None

    def openapi() -> Json:
        nonlocal done
        document = generate()  # the same object again, until routes are added
        if document is not done:
            _complete(app, document)
            done = document
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _complete(app: FastAPI, document: Json) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    for model in (Problem, ValidationProblem, LimitProblem):
        schema = model.model_json_schema(ref_template=_SCHEMAS + "{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    for context in iter_route_contexts(app.routes):
        for method in context.methods or ():
            path = document["paths"].get(context.path_format, {})
            operation = path.get(method.lower())
            if operation is not None:
                _complete_operation(operation, is_limited(context.endpoint))


def _complete_operation(operation: Json, limited: bool) -> None:
    responses: Json = operation["responses"]
    limited = limited or "429" in responses
    if responses.get("422", {}).get("description") == _FASTAPIS_422:
        responses["422"] = {"description": _WITH_BODY["422"]}
    common = _ANY | (_WITH_BODY if "requestBody" in operation else {})
    for status, description in (common | (_LIMITED if limited else {})).items():
        responses.setdefault(status, {"description": description})
    for status, response in responses.items():
        if status >= "400" and "content" not in response:
            schema = _MODELS.get(status, Problem).__name__
            response["content"] = {PROBLEM_JSON: {"schema": {"$ref": _SCHEMAS + schema}}}
            if status in ("429", "503"):
                response.setdefault("headers", {}).update(_RETRY_AFTER)
        if limited and (status < "400" or status == "429"):
            response.setdefault("headers", {}).update(_HEADERS)
