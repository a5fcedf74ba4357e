"""Snapshots: the imports that changed something, and the files that each of them held."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.base import enum_type
from app.ontology.kinds import Kind


class Snapshot(SQLModel, table=True):
    """The table `snapshots`: one row for each import that changed something.

    `commit_sha` is the source's commit and `name` its tag, where it has them.
    """

    __tablename__ = "snapshots"

    id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(),)
    )
    name: str | None = Field(default=None, sa_type=Text)
    commit_sha: str | None = Field(default=None, sa_type=Text)
    imported_at: datetime = Field(
        default=None, nullable=False, sa_column_kwargs={"server_default": func.now()}
    )


class SnapshotFile(SQLModel, table=True):
    """The table `snapshot_files`: each version of each source file, once.

    It belongs to the snapshots from `added_in` on and before `removed_in` (null: still current).
    `content` is the file's exact text, `document` what it says: a JSON file as it is, a wikitext
    file in the normal form.
    """

    __tablename__ = "snapshot_files"
    __table_args__ = (
        Index(
            "uq_snapshot_files_current",
            "kind",
            "item_id",
            unique=True,
            postgresql_where=text("removed_in IS NULL"),
        ),
    )

    id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=(Identity(),)
    )
    kind: Kind = Field(sa_type=enum_type(Kind, "sourcekind"))
    item_id: str = Field(sa_type=Text)
    path: str = Field(sa_type=Text)
    content: str = Field(sa_type=Text)
    document: dict[str, Any] = Field(sa_type=JSONB)
    added_in: int = Field(sa_type=BigInteger, sa_column_args=(ForeignKey("snapshots.id"),))
    removed_in: int | None = Field(
        default=None, sa_type=BigInteger, sa_column_args=(ForeignKey("snapshots.id"),)
    )
