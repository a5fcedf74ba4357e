"""The two ways to the database: a session for what writes, a pool for what only reads.

Reading goes without the ORM: PostgreSQL writes the JSON of an answer itself (docs/decisions/0014).
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg  # type: ignore[import-untyped]  # it has none
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlmodel.ext.asyncio.session import AsyncSession

from app.config import Settings, get_settings
from app.engine import make_engine

settings = get_settings()

_READ_SETTINGS = {
    # A statement that writes has come to the wrong place.
    "default_transaction_read_only": "on",
    # Times in JSON are UTC.
    "timezone": "UTC",
    # Compiling takes longer than any of these statements, whose costs (of jsonb, of recursion)
    # are overestimated a thousandfold.
    "jit": "off",
}

engine = make_engine(
    settings,
    application="ontology-hub",
    command_timeout=settings.database_command_timeout,
    pool_size=settings.database_pool_size,
    max_overflow=settings.database_max_overflow,
    pool_timeout=settings.database_pool_timeout,
    # Without it every pooled connection fails one request after a restart of the database.
    pool_pre_ping=True,
)

# expire_on_commit would make each attribute read after the commit a new query, which asyncio
# forbids outside an await.
async_session_maker = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    """Yield the request's session: one transaction, committed at the end, rolled back on error.

    Any exception of the route, an HTTPException too, rolls back. A route that never uses the
    session takes no connection.
    """
    async with async_session_maker() as session, session.begin():
        yield session


# scope="function": commit before the answer is sent. FastAPI's default is after it, where a commit
# that fails would already have been reported to the client as a success.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


class Reader:
    """Reads rows and ready-made JSON; each call is one statement, hence one transaction.

    Whatever an answer needs therefore stands in one statement: two could see two states. Nothing
    is found where an argument holds a NUL: no text in the database does, or could.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def value(self, query: str, *arguments: Any) -> Any:
        """Return the first column of the first row; None where there is no row."""
        if _holds_nul(arguments):
            return None
        # Without a timeout for the wait for a connection, which costs a task for each call: the
        # request's own time limit ends it.
        return await self._pool.fetchval(query, *arguments)

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return all rows."""
        if _holds_nul(arguments):
            return []
        rows: list[asyncpg.Record] = await self._pool.fetch(query, *arguments)
        return rows


def _holds_nul(arguments: tuple[Any, ...]) -> bool:
    return any(isinstance(one, str) and "\0" in one for one in arguments)


def read_pool(settings: Settings) -> asyncpg.Pool:
    """Return the pool of the readers; connects to nothing until it is entered and asked."""

    async def connect(_: None, **options: Any) -> asyncpg.Connection:
        return await settings.connect(
            "ontology-hub read",
            command_timeout=settings.database_command_timeout,
            server_settings=_READ_SETTINGS,
            **options,
        )

    return asyncpg.create_pool(
        connect=connect,
        min_size=0,  # the process starts and lives without a database
        max_size=settings.database_read_pool_size,
        # Nothing to undo: a reader sets nothing, holds no lock and listens to nothing. The default
        # asks the server to, and doubles the round trips of a request.
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(connection: asyncpg.Connection) -> None:
    return


def reader_of(request: Request) -> Reader:
    """Return the process' reader."""
    reader: Reader = request.app.state.reader
    return reader
