"""Entities: the categories, properties and subobjects of the ontology."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Computed, Index, Text, UniqueConstraint, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.base import EMPTY_OBJECT, Row, enum_type, left_out

# What a search looks through, and the order of what it finds: by label, then by id.
# As PostgreSQL would write it, which `alembic check` compares it with. Without the collation, an
# id's would win, by which only the letters A to Z have a lower case.
SEARCHED = (
    "lower(((((label || chr(10)) || entity_id) || chr(10)) || COALESCE(description, ''::text))"
    ' COLLATE "default")'
)

# Cut to 500 characters, and the label to 100, so that any text fits into an entry of an index.
SEARCH_LINE = f'("left"(label, 100) || chr(10)) || "left"({SEARCHED}, 500)'

_LIVE = text("deleted_at IS NULL")


class EntityType(StrEnum):
    """The kinds of entity; the values are the labels of the enum type in the database."""

    CATEGORY = "category"
    PROPERTY = "property"
    SUBOBJECT = "subobject"


class EntityBase(SQLModel):
    """`entity_id` is the id within the schema, such as Person; unique within its type.

    `schema_definition` holds the whole source file, `commit_sha` the version it was read from.
    """

    # Pages follow the order of the ids' bytes, whatever the database's own collation.
    entity_id: str = Field(index=True, sa_type=Text(collation="C"))
    entity_type: EntityType = Field(sa_type=enum_type(EntityType, "entitytype"))
    label: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    schema_definition: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs=EMPTY_OBJECT
    )
    commit_sha: str | None = Field(default=None, sa_type=Text)


class Entity(Row, EntityBase, table=True):
    """The table `entities`; the indexes are for the reading routes (docs/decisions/0010).

    `search_line` is made by the database: the label as it is, then label, id and description in
    lower case, a line each, cut after 500 characters.
    """

    __tablename__ = "entities"
    __table_args__ = (
        Column("search_line", Text(collation="C"), Computed(SEARCH_LINE, persisted=True)),
        UniqueConstraint("entity_id", "entity_type", name="uq_entities_entity_id_type"),
        # Pages.
        Index("ix_entities_page", "entity_type", "entity_id", postgresql_where=_LIVE),
        # Whatever a definition refers to: parents, properties, subobjects.
        Index(
            "ix_entities_references",
            "schema_definition",
            postgresql_using="gin",
            postgresql_ops={"schema_definition": "jsonb_path_ops"},
            postgresql_where=text("entity_type = 'category'::entitytype AND deleted_at IS NULL"),
        ),
        # A search for what is rare; for what is frequent; and the rest of the long texts.
        Index(
            "ix_entities_search_trigrams",
            "search_line",
            postgresql_using="gin",
            postgresql_ops={"search_line": "gin_trgm_ops"},
            postgresql_where=_LIVE,
        ),
        Index(
            "ix_entities_search_order", "entity_type", "search_line", "id", postgresql_where=_LIVE
        ),
        Index(
            "ix_entities_search_long",
            literal_column(SEARCHED).label("searched"),
            postgresql_using="gin",
            postgresql_ops={"searched": "gin_trgm_ops"},
            postgresql_where=text("octet_length(search_line) > 500 AND deleted_at IS NULL"),
        ),
    )
    # Nobody asks an Entity for it, and the ORM must not write it.
    __mapper_args__ = {"eager_defaults": True, "exclude_properties": ["search_line"]}


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
