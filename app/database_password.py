"""The database's password where a file holds it: it may change while the process runs.

A rotation writes the file and alters the role one after the other, in whichever order. Who connects
in between offers what the file holds, then what was accepted last, and asks again after a while:
so the window between the two costs a request some time and never an error.
"""

import asyncio
import logging
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none

from app.secret_files import read_secret

logger = logging.getLogger(__name__)

# Seconds between two offers. Each takes some 10 ms of computing, during which nothing else runs.
_PAUSE = 0.25

# A wrong password (28P01), and all else by which the server refuses the role itself (28000).
_Refused = asyncpg.InvalidAuthorizationSpecificationError


class PasswordFile:
    """A password in a file that `variable` names; raises ValueError if it cannot be read."""

    def __init__(self, variable: str, path: Path) -> None:
        self._variable = variable
        self._path = path
        # What the server took last. Before the first time: what the file held at the start.
        self._accepted = read_secret(variable, path)
        # Held by the one who asks again and again. The others wait for their turn: all at once
        # they would keep the process, and the server, busy with refusals.
        self._asking = asyncio.Lock()
        self._refused = False

    @property
    def accepted(self) -> str:
        """The password that the server has accepted last, as far as is known."""
        return self._accepted

    async def connect(self, within: float, **arguments: Any) -> asyncpg.Connection:
        """Connect with the password; all attempts together take `within` seconds at most.

        `arguments` are asyncpg's. Raises what it raises: where the server refuses to the end, the
        refusal.
        """
        refusal: Exception | None = None
        try:
            async with asyncio.timeout(within):
                try:
                    return await self._offer(arguments)
                except _Refused as error:
                    refusal = error
                    self._tell(error)
                async with self._asking:
                    while True:
                        try:
                            return await self._offer(arguments)
                        except _Refused as error:
                            refusal = error
                        await asyncio.sleep(_PAUSE)
        except TimeoutError:
            if refusal is None:
                raise
            raise refusal from None

    async def _offer(self, arguments: dict[str, Any]) -> asyncpg.Connection:
        held = self._held()
        try:
            return await self._try(held, arguments)
        except _Refused:
            if held == self._accepted:
                raise
        return await self._try(self._accepted, arguments)

    async def _try(self, password: str, arguments: dict[str, Any]) -> asyncpg.Connection:
        # Without a limit of its own: the caller's counts.
        connection = await asyncpg.connect(password=password, timeout=None, **arguments)
        self._accepted = password
        if self._refused:
            self._refused = False
            logger.info("database password accepted")
        return connection

    def _held(self) -> str:
        try:
            return read_secret(self._variable, self._path)
        except ValueError:  # it is being written just now
            return self._accepted

    def _tell(self, refusal: Exception) -> None:
        if not self._refused:
            self._refused = True
            logger.error(
                "database password refused",
                extra={"file": str(self._path), "reason": str(refusal)},
            )
