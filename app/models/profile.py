"""Profiles: named sets of modules."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.base import EMPTY_LIST, Row, left_out


class ProfileBase(SQLModel):
    """`module_ids` are the ids of modules."""

    profile_id: str = Field(unique=True, index=True, sa_type=Text)
    label: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    module_ids: list[str] = Field(default_factory=list, sa_type=JSONB, sa_column_kwargs=EMPTY_LIST)
    commit_sha: str | None = Field(default=None, sa_type=Text)


class Profile(Row, ProfileBase, table=True):
    """The table `profiles`."""

    __tablename__ = "profiles"


class ProfileCreate(ProfileBase):
    """What is needed to make a profile."""


class ProfileUpdate(SQLModel):
    """What may change; what is not set stays."""

    label: str = Field(default_factory=left_out)
    description: str | None = None
    module_ids: list[str] = Field(default_factory=left_out)
    commit_sha: str | None = None


class ProfilePublic(ProfileBase):
    """What the API shows."""

    id: UUID
    created_at: datetime
    updated_at: datetime
