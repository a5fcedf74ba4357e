"""What an error of the database means for who has asked."""

import asyncpg  # type: ignore[import-untyped]  # it has none
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# The classes to register one handler for; OSError includes TimeoutError and refused connections.
DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    DBAPIError,
    PoolTimeoutError,
    OSError,
)

# SQLSTATEs that say: the server is not there, is going, is not ready yet or takes nobody more.
_GONE = {"57P01", "57P02", "57P03", "53300"}
# It refuses this program's role or password: nothing that a client could mend.
_REFUSED = {"28000", "28P01"}
_CONNECTION_EXCEPTION = "08"

# SQLSTATE disk_full: whatever needs room fails, the rest goes on.
_DISK_FULL = "53100"

# SQLSTATEs of text that no text or jsonb column can hold: a zero byte, half of a surrogate pair.
_UNSTORABLE = {"22021", "22P05"}


def unavailable(error: BaseException) -> bool:
    """Tell whether the database could not be reached, or had no connection free in time."""
    if isinstance(error, PoolTimeoutError):
        return True
    return any(_says_unavailable(item) for item in _causes(error))


def out_of_room(error: BaseException) -> bool:
    """Tell whether the database's disk is full."""
    return any(getattr(item, "sqlstate", None) == _DISK_FULL for item in _causes(error))


def unstorable(error: BaseException) -> bool:
    """Tell whether the request's text holds what the database cannot hold."""
    return any(_says_unstorable(item) for item in _causes(error))


def _says_unavailable(error: BaseException) -> bool:
    state = getattr(error, "sqlstate", None) or ""
    if state in _GONE | _REFUSED or state.startswith(_CONNECTION_EXCEPTION):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    # Of other errors of the system only those count that the driver has met: a file that the
    # application cannot read says nothing about the database.
    return isinstance(error, OSError) and _came_through_the_driver(error)


def _says_unstorable(error: BaseException) -> bool:
    if getattr(error, "sqlstate", None) in _UNSTORABLE:
        return True
    if isinstance(error, asyncpg.InvalidTextRepresentationError):
        return "type json" in str(error)
    return isinstance(error, UnicodeEncodeError) and _came_through_the_driver(error)


def _came_through_the_driver(error: BaseException) -> bool:
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_globals.get("__name__", "").startswith("asyncpg."):
            return True
        step = step.tb_next
    return False


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    item: BaseException | None = error
    while item is not None and item not in found:
        found.append(item)
        item = item.__cause__
    return found
