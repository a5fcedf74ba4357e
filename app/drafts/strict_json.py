"""JSON bodies that PostgreSQL can keep and every reader can read back as they were sent.

Python's own parser takes what no other one does (NaN, half a surrogate pair, numbers of any
length), and raises a RecursionError on deep nesting.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import from_json

Path = tuple[str | int, ...]

# What IEEE doubles hold exactly (RFC 7493, 2.2). PostgreSQL keeps larger ones too, but writes
# them out digit by digit: 1e308 as 309 characters.
_LARGEST = 2**53
_SMALLEST = 1e-30


class JsonRoute(APIRoute):
    """A route whose body is strict JSON; anything else is answered 422, with where and why."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            if not _says_json(request):
                return await handle(request)  # FastAPI refuses it, with the reason
            body = await request.body()
            return await handle(_Parsed(request, body, strict_json(body)) if body else request)

        return strict


class _Parsed(Request):
    """A request whose stream has been read already."""

    def __init__(self, request: Request, content: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._content = content
        self._value = value

    async def body(self) -> bytes:
        return self._content

    async def json(self) -> Any:
        return self._value


def _says_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind.startswith("application/") and kind.endswith(("/json", "+json"))


def strict_json(body: bytes) -> Any:
    """Return the body's value; raises RequestValidationError with the place and the reason."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise _invalid((), f"This is no JSON: {error}") from None
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, dict):
            for key in item:
                _check_text(path, key)
            waiting += [((*path, key), inner) for key, inner in item.items()]
        elif isinstance(item, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(item)]
        elif isinstance(item, str):
            _check_text(path, item)
        elif isinstance(item, int | float) and not _fits(item):
            raise _invalid(path, "A number must be 0 or, in size, from 1e-30 to 2^53")
    return value


def _check_text(path: Path, text: str) -> None:
    if "\0" in text:
        raise _invalid(path, "Text must not hold the character NUL (\\u0000)")


def _fits(number: float) -> bool:
    return number == 0 or _SMALLEST <= abs(number) <= _LARGEST


def _invalid(path: Path, reason: str) -> RequestValidationError:
    return RequestValidationError([{"type": "json_refused", "loc": ("body", *path), "msg": reason}])
