"""What a history of the source answers, wherever it is kept."""

from collections.abc import Sequence
from typing import Protocol

# As many as a page of a forge's list of releases holds.
NEWEST = 30


class NoHistory(LookupError):
    """Nothing of the source's past is kept here."""


class UnknownVersion(LookupError):
    """The history has no such version, or several that the name could mean."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


class UnreadableHistory(RuntimeError):
    """There is a history, and it is damaged or incomplete; the text is one sentence."""


class History(Protocol):
    """The versions of a source. Answers are JSON texts, in the form of app/versions/models.py."""

    async def versions(self) -> str:
        """Return the list of the newest `NEWEST` versions, newest first.

        Raises NoHistory and UnreadableHistory.
        """

    async def diff(self, old: str, new: str) -> str:
        """Return what has to be added, modified and deleted to come from `old` to `new`.

        Raises NoHistory, UnreadableHistory, and UnknownVersion with the parameter's name.
        """


class FirstHistory:
    """The first of several histories that there is."""

    def __init__(self, histories: Sequence[History]) -> None:
        self._histories = histories

    async def versions(self) -> str:
        """As History says."""
        for history in self._histories:
            try:
                return await history.versions()
            except NoHistory:
                continue
        raise NoHistory

    async def diff(self, old: str, new: str) -> str:
        """As History says."""
        for history in self._histories:
            try:
                return await history.diff(old, new)
            except NoHistory:
                continue
        raise NoHistory
