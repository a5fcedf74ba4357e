"""The database's engine and the session that each request gets."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlmodel.ext.asyncio.session import AsyncSession

from app.config import get_settings
from app.engine import make_engine

settings = get_settings()

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
