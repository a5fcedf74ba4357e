"""Entities: the categories, properties and subobjects of the ontology."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.base import EMPTY_OBJECT, Row, enum_type, left_out


class EntityType(StrEnum):
    """The kinds of entity; the values are the labels of the enum type in the database."""

    CATEGORY = "category"
    PROPERTY = "property"
    SUBOBJECT = "subobject"


class EntityBase(SQLModel):
    """`entity_id` is the id within the schema, such as Person; unique within its type.

    `schema_definition` holds the whole source file, `commit_sha` the version it was read from.
    """

    entity_id: str = Field(index=True, sa_type=Text)
    entity_type: EntityType = Field(sa_type=enum_type(EntityType, "entitytype"))
    label: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    schema_definition: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs=EMPTY_OBJECT
    )
    commit_sha: str | None = Field(default=None, sa_type=Text)


class Entity(Row, EntityBase, table=True):
    """The table `entities`."""

    __tablename__ = "entities"
    __table_args__ = (
        UniqueConstraint("entity_id", "entity_type", name="uq_entities_entity_id_type"),
    )


class EntityCreate(EntityBase):
    """What is needed to make an entity."""


class EntityUpdate(SQLModel):
    """What may change; what is not set stays."""

    label: str = Field(default_factory=left_out)
    description: str | None = None
    schema_definition: dict[str, Any] = Field(default_factory=left_out)
    commit_sha: str | None = None


class EntityPublic(EntityBase):
    """What the API shows."""

    id: UUID
    created_at: datetime
    updated_at: datetime
