"""The exact limit: windows that stand in the database, counted across workers and replicas."""

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.conduct.clients import client_of
from app.conduct.policies import LIMITS, Limits, Policy, judge
from app.queries import windows


async def spend(session: AsyncSession, request: Request, policy: Policy) -> None:
    """Count the request within the session's transaction; raise a Refusal (429) over the limit.

    Only what is committed counts: a transaction that is rolled back, a refused one too, gives back
    what it has spent. Until it ends, further requests of the same client wait here, so little
    should stand between this call and the end.
    """
    limits: Limits = request.scope[LIMITS]
    rule = limits.rules[policy.value]
    values = {
        "policy": policy.value,
        "client": client_of(request.scope),
        "seconds": float(rule.seconds),
    }
    connection = await session.connection()
    row = (await connection.execute(windows.SPEND, values)).one()
    judge(request.scope, rule, row.used, row.seconds_left)


async def forget(session: AsyncSession, limits: Limits) -> None:
    """Delete the windows that are over: they limit nobody, and hold clients' addresses."""
    connection = await session.connection()
    for policy, rule in limits.rules.items():
        values = {"policy": policy, "seconds": float(rule.seconds)}
        await connection.execute(windows.FORGET, values)
