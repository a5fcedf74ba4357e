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
from starlette.types import Scope

from app.conduct.clients import client_of
from app.conduct.counters import Counters
from app.config import Settings
from app.errors import Refusal
from app.metrics import traffic

P = ParamSpec("P")
R = TypeVar("R")

_SECONDS = {"minute": 60, "hour": 3600}

# The attribute of a limited route, for the docs.
_MARK = "hub_limited"

# Where a request's scope keeps the Limits, and what its answer says in RateLimit headers. The
# outermost layer adds these, because the route may have made its Response itself.
LIMITS = "hub.limits"
STANDING = "hub.rate_limit"


class Policy(StrEnum):
    """The kinds of request that are limited."""

    DRAFT_CREATE = "draft_create"
    DRAFT_READ = "draft_read"
    ENTITY_LIST = "entity_list"
    ENTITY_READ = "entity_read"


class Rule:
    """A policy's limit: `amount` requests within a window, and how both are told."""

    def __init__(self, policy: Policy, amount: int, window: str) -> None:
        self.policy = policy
        self.amount = amount
        self.seconds = _SECONDS[window]
        self.sentence = f"Rate limit exceeded: {amount} per 1 {window}"
        # As in draft-ietf-httpapi-ratelimit-headers-08.
        self.name = f'"{policy}"'.encode()
        self.header = (b"ratelimit-policy", b"%b;q=%d;w=%d" % (self.name, amount, self.seconds))
        self.refusals = traffic.REFUSALS.labels(policy)


class Limits:
    """The configured limits and this process' windows; stands in `app.state.limits` too."""

    def __init__(self, settings: Settings) -> None:
        rules = (
            Rule(Policy.DRAFT_CREATE, settings.drafts_per_hour, "hour"),
            Rule(Policy.DRAFT_READ, settings.draft_reads_per_minute, "minute"),
            Rule(Policy.ENTITY_LIST, settings.lists_per_minute, "minute"),
            Rule(Policy.ENTITY_READ, settings.reads_per_minute, "minute"),
        )
        self.rules: dict[str, Rule] = {rule.policy.value: rule for rule in rules}
        self.counters = Counters()


def limited(
    policy: Policy,
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Count a route's requests against `policy`; stands below the route's own decorator.

    The route has a parameter `request: Request`. Because FastAPI validates before it calls the
    route, a request that is answered 422 is not counted. Over the limit the answer is 429.
    """

    def decorate(route: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        name = f"{route.__module__}.{route.__qualname__} "
        key = policy.value  # an Enum's hash is a function of Python's

        @wraps(route)
        async def count(*args: P.args, **kwargs: P.kwargs) -> R:
            request = kwargs["request"]
            assert isinstance(request, Request)  # noqa: S101  # FastAPI's, by the annotation
            scope = request.scope
            limits: Limits = scope[LIMITS]
            rule = limits.rules[key]
            used, left = limits.counters.count(name + client_of(scope), rule.seconds)
            judge(scope, rule, used, left)
            return await route(*args, **kwargs)

        setattr(count, _MARK, True)
        return count

    return decorate


def is_limited(route: object) -> bool:
    """Tell whether the route is @limited."""
    return hasattr(route, _MARK)


def judge(scope: Scope, rule: Rule, used: int, seconds_left: float) -> None:
    """Note what the answer's RateLimit headers say; raise a Refusal if more than all is used.

    `used` counts this request too, `seconds_left` is the time to the window's end.
    """
    wait = min(max(ceil(seconds_left), 1), rule.seconds)
    left = rule.amount - used
    standing = b"%b;r=%d;t=%d" % (rule.name, left if left > 0 else 0, wait)
    scope[STANDING] = (rule.header, (b"ratelimit", standing))
    if left < 0:
        rule.refusals.inc()
        raise Refusal(429, rule.sentence, headers={"Retry-After": str(wait)}, retry_after=wait)
