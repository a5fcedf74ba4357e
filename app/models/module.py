"""Modules: named sets of categories that depend on other modules."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.base import EMPTY_LIST, Row, left_out


class ModuleBase(SQLModel):
    """`category_ids` are entity ids of categories, `dependencies` the ids of other modules."""

    module_id: str = Field(unique=True, index=True, sa_type=Text)
    label: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    category_ids: list[str] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs=EMPTY_LIST
    )
    dependencies: list[str] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs=EMPTY_LIST
    )
    commit_sha: str | None = Field(default=None, sa_type=Text)


class Module(Row, ModuleBase, table=True):
    """The table `modules`."""

    __tablename__ = "modules"
    __table_args__ = (
        Index(
            "ix_modules_category_ids",
            "category_ids",
            postgresql_using="gin",
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )


class ModuleCreate(ModuleBase):
    """What is needed to make a module."""


class ModuleUpdate(SQLModel):
    """What may change; what is not set stays."""

    label: str = Field(default_factory=left_out)
    description: str | None = None
    category_ids: list[str] = Field(default_factory=left_out)
    dependencies: list[str] = Field(default_factory=left_out)
    commit_sha: str | None = None


class ModulePublic(ModuleBase):
    """What the API shows."""

    id: UUID
    created_at: datetime
    updated_at: datetime
