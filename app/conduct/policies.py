"""How often one client may ask, by kind of request.

Where a route is @limited, each route is counted by itself, for each client and in each worker
process: several workers multiply the limit. What has to be exact is counted in the database
instead (app/conduct/windows.py). docs/decisions/0012 says why.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import wraps
from math import ceil
from typing import ParamSpec, TypeVar

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute

from app.conduct.clients import client_of
from app.conduct.counters import BoundedMemory
from app.config import Settings
from app.errors import Refusal

P = ParamSpec("P")
R = TypeVar("R")

# Where a request's scope keeps what its answer says in RateLimit headers.
STANDING = "hub.rate_limit"


class Policy(StrEnum):
    """The kinds of request that are limited."""

    DRAFT_CREATE = "draft_create"
    DRAFT_READ = "draft_read"
    ENTITY_LIST = "entity_list"
    ENTITY_READ = "entity_read"


class Limits:
    """The configured limits, and this process' counters; stands in `app.state.limits`."""

    def __init__(self, settings: Settings) -> None:
        self._of: dict[Policy, RateLimitItem] = {
            Policy.DRAFT_CREATE: RateLimitItemPerHour(settings.drafts_per_hour),
            Policy.DRAFT_READ: RateLimitItemPerMinute(settings.draft_reads_per_minute),
            Policy.ENTITY_LIST: RateLimitItemPerMinute(settings.lists_per_minute),
            Policy.ENTITY_READ: RateLimitItemPerMinute(settings.reads_per_minute),
        }
        self.memory = BoundedMemory()

    def __getitem__(self, policy: Policy) -> RateLimitItem:
        return self._of[policy]


def limited(
    policy: Policy,
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Count a route's requests against `policy`; stands below the route's own decorator.

    The route has a parameter `request: Request`. Because FastAPI validates before it calls the
    route, a request that is answered 422 is not counted. Over the limit the answer is 429.
    """

    def decorate(route: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        name = f"{route.__module__}.{route.__qualname__}"

        @wraps(route)
        async def count(*args: P.args, **kwargs: P.kwargs) -> R:
            request = kwargs["request"]
            assert isinstance(request, Request)  # noqa: S101  # FastAPI's, by the annotation
            limits: Limits = request.app.state.limits
            limit = limits[policy]
            memory = limits.memory
            key = limit.key_for(name, client_of(request))
            used = memory.incr(key, limit.get_expiry())
            judge(request, policy, limit, used, memory.get_expiry(key) - memory.clock())
            return await route(*args, **kwargs)

        return count

    return decorate


def judge(
    request: Request, policy: Policy, limit: RateLimitItem, used: int, seconds_left: float
) -> None:
    """Note what the answer's RateLimit headers say; raise a Refusal if more than all is used.

    `used` counts this request too, `seconds_left` is the time to the window's end.
    """
    window = limit.get_expiry()
    wait = min(max(ceil(seconds_left), 1), window)
    remaining = max(limit.amount - used, 0)
    # draft-ietf-httpapi-ratelimit-headers-08
    request.scope[STANDING] = (
        (b"ratelimit-policy", f'"{policy.value}";q={limit.amount};w={window}'.encode()),
        (b"ratelimit", f'"{policy.value}";r={remaining};t={wait}'.encode()),
    )
    if used > limit.amount:
        raise Refusal(
            429,
            f"Rate limit exceeded: {limit}",
            headers={"Retry-After": str(wait)},
            retry_after=wait,
        )
