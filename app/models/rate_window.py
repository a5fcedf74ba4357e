"""Rate windows: how often a client has done what is counted across all workers."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel


class RateWindow(SQLModel, table=True):
    """The table `rate_windows`: what `client` has used of the window that began at `started_at`.

    `policy` is one of app.conduct.policies.Policy. A window that is over counts as absent.
    """

    __tablename__ = "rate_windows"

    policy: str = Field(primary_key=True, sa_type=Text)
    client: str = Field(primary_key=True, sa_type=Text)
    started_at: datetime
    used: int
