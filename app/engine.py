"""How this project connects to PostgreSQL: the same for requests, health checks, migrations."""

from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.config import Settings


def make_engine(
    settings: Settings, *, application: str, command_timeout: float | None, **options: Any
) -> AsyncEngine:
    """Make an engine for the settings' database; connects to nothing yet.

    `application` is the name that pg_stat_activity shows, `command_timeout` the seconds that one
    statement may take (None: any time); `options` go to SQLAlchemy.
    """
    return create_async_engine(
        settings.sqlalchemy_url,
        # A statement's values may be a draft's content or the hash of its token: never in an
        # error text, which ends in the log.
        hide_parameters=True,
        async_creator=partial(settings.connect, application, command_timeout=command_timeout),
        **options,
    )
