"""Drafts: proposed changes, reachable only by a token that is stored as its hash."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.base import EMPTY_OBJECT, Row, enum_type, left_out

# Without none_as_null, None would be stored as the JSON value `null`, which is not SQL's NULL.
NULLABLE_JSONB = JSONB(none_as_null=True)


class DraftStatus(StrEnum):
    """A draft's way; the values are the labels of the enum type in the database."""

    PENDING = "pending"
    VALIDATED = "validated"
    SUBMITTED = "submitted"
    EXPIRED = "expired"


class DraftBase(SQLModel):
    """`base_commit_sha` is the version of the ontology that the draft was made against."""

    payload: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs=EMPTY_OBJECT
    )
    source_wiki: str | None = Field(default=None, sa_type=Text)
    base_commit_sha: str | None = Field(default=None, sa_type=Text)


class Draft(Row, DraftBase, table=True):
    """The table `drafts`. `capability_hash` is the SHA-256 of the token, in hex."""

    __tablename__ = "drafts"

    capability_hash: str = Field(unique=True, index=True, sa_type=Text)
    status: DraftStatus = Field(
        default=DraftStatus.PENDING,
        sa_type=enum_type(DraftStatus, "draftstatus"),
        sa_column_kwargs={"server_default": text("'pending'::draftstatus")},
    )
    expires_at: datetime
    diff_preview: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSONB)
    validation_results: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSONB)
    pr_url: str | None = Field(default=None, sa_type=Text)


class DraftCreate(DraftBase):
    """What a client gives; token, status and life are the server's."""


class DraftUpdate(SQLModel):
    """What a client may change; status and life are the server's."""

    payload: dict[str, Any] = Field(default_factory=left_out)
    source_wiki: str | None = None
    base_commit_sha: str | None = None


class DraftPublic(DraftBase):
    """What the API shows: never `capability_hash`."""

    id: UUID
    status: DraftStatus
    expires_at: datetime
    created_at: datetime
    diff_preview: dict[str, Any] | None
    validation_results: dict[str, Any] | None
    pr_url: str | None
