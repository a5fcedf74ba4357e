"""How often one client may ask, by kind of request.

Where a route is @limited, each route is counted by itself, for each client and in each worker
process: several workers multiply the limit. What has to be exact is counted in the database
instead (app/conduct/windows.py). docs/decisions/0012 says why.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, wraps
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

# Where a request's scope keeps what its answer says in RateLimit headers, for Frame to add: the
# route may have made its Response itself.
STANDING = "hub.rate_limit"


class Policy(StrEnum):
    """The kinds of request that are limited."""

    DRAFT_CREATE = "draft_create"
    DRAFT_READ = "draft_read"
    ENTITY_LIST = "entity_list"
    ENTITY_READ = "entity_read"


@dataclass(frozen=True)
class Rule:
    """A policy's limit, and what of it is the same for every answer."""

    policy: Policy
    limit: RateLimitItem

    @cached_property
    def seconds(self) -> int:
        """The length of a window."""
        return self.limit.get_expiry()

    @cached_property
    def header(self) -> tuple[bytes, bytes]:
        """The answer's header RateLimit-Policy."""
        text = f'"{self.policy.value}";q={self.limit.amount};w={self.seconds}'
        return b"ratelimit-policy", text.encode()


class Limits:
    """The configured limits and this process' windows; stands in `app.state.limits`."""

    def __init__(self, settings: Settings) -> None:
        items: dict[Policy, RateLimitItem] = {
            Policy.DRAFT_CREATE: RateLimitItemPerHour(settings.drafts_per_hour),
            Policy.DRAFT_READ: RateLimitItemPerMinute(settings.draft_reads_per_minute),
            Policy.ENTITY_LIST: RateLimitItemPerMinute(settings.lists_per_minute),
            Policy.ENTITY_READ: RateLimitItemPerMinute(settings.reads_per_minute),
        }
        self.rules = {policy: Rule(policy, item) for policy, item in items.items()}
        self.memory = BoundedMemory()


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
            rule, memory = limits.rules[policy], limits.memory
            key = f"{name} {client_of(request)}"
            used = memory.incr(key, rule.seconds)
            judge(request, rule, used, memory.get_expiry(key) - memory.clock())
            return await route(*args, **kwargs)

        return count

    return decorate


def judge(request: Request, rule: Rule, used: int, seconds_left: float) -> None:
    """Note what the answer's RateLimit headers say; raise a Refusal if more than all is used.

    `used` counts this request too, `seconds_left` is the time to the window's end.
    """
    wait = min(max(ceil(seconds_left), 1), rule.seconds)
    remaining = max(rule.limit.amount - used, 0)
    # Both headers as in draft-ietf-httpapi-ratelimit-headers-08.
    standing = f'"{rule.policy.value}";r={remaining};t={wait}'
    request.scope[STANDING] = (rule.header, (b"ratelimit", standing.encode()))
    if used > rule.limit.amount:
        raise Refusal(
            429,
            f"Rate limit exceeded: {rule.limit}",
            headers={"Retry-After": str(wait)},
            retry_after=wait,
        )
