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

from app.drafts.threads import READING, in_thread

Path = tuple[str | int, ...]

# Bytes of a body that is read faster than a thread is found.
_SMALL = 8 * 1024

# What IEEE doubles hold exactly (RFC 7493, 2.2). PostgreSQL keeps larger ones too, but writes
# them out digit by digit: 1e308 as 309 characters.
_LARGEST = 2**53
_SMALLEST = 1e-30


class JsonRoute(APIRoute):
    """A route whose body is strict JSON; anything else is answered 422, with where and why.

    A large body is read in a thread: within a megabyte there is room for half a million values,
    and whatever else the process does would stand still meanwhile.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            if not _says_json(request):
                return await handle(request)  # FastAPI refuses it, with the reason
            body = await request.body()
            if not body:
                return await handle(request)
            if len(body) <= _SMALL:
                value = self._read(body)
            else:
                value = await in_thread(READING, self._read, body)
            return await handle(_Parsed(request, body, value))

        return strict

    def _read(self, body: bytes) -> Any:
        """Return what the route takes its body for; raises RequestValidationError."""
        value = strict_json(body)
        if self.body_field is None:
            return value
        # FastAPI would do the same on the event loop. What is valid already it takes as it is.
        read, errors = self.body_field.validate(value, loc=("body",))
        if errors:
            raise RequestValidationError(errors)
        return read


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
    if not _sound(value):
        _raise_where_unsound(value)
    return value


def _sound(value: Any) -> bool:
    """Tell whether all values can be kept, in a third of the time it takes to say which not."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if any("\0" in key for key in item):
                return False
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str):
            if "\0" in item:
                return False
        elif isinstance(item, int | float) and not _fits(item):
            return False
    return True


def _raise_where_unsound(value: Any) -> None:
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


def _check_text(path: Path, text: str) -> None:
    if "\0" in text:
        raise _invalid(path, "Text must not hold the character NUL (\\u0000)")


def _fits(number: float) -> bool:
    return number == 0 or _SMALLEST <= abs(number) <= _LARGEST


def _invalid(path: Path, reason: str) -> RequestValidationError:
    return RequestValidationError([{"type": "json_refused", "loc": ("body", *path), "msg": reason}])
