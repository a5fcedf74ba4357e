"""Runs of jobs: what a migration or an import has come to, for whoever looks later."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.base import EMPTY_OBJECT, enum_type


class Job(StrEnum):
    """The jobs whose runs are kept; the values are the labels of the enum type in the database."""

    MIGRATIONS = "migrations"
    IMPORTER = "importer"


class JobRun(SQLModel, table=True):
    """The table `job_runs`: one row for each run that has ended, the newest 100 of each job.

    `message` says in one line why a run failed, without rows' values; `summary` holds counts only.
    """

    __tablename__ = "job_runs"

    id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(),)
    )
    job: Job = Field(sa_type=enum_type(Job, "job"))
    started_at: datetime
    ended_at: datetime
    succeeded: bool
    message: str | None = Field(default=None, sa_type=Text)
    summary: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs=EMPTY_OBJECT
    )
