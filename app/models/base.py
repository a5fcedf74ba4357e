"""What all tables have in common."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Enum, func, text
from sqlmodel import Field, SQLModel

# PostgreSQL would name constraints by itself, but Alembic can only alter and drop what has a name
# it knows. Stands before every table: a table takes its names when it is defined.
SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
}

# Server defaults, so that rows written without the ORM are complete too.
EMPTY_OBJECT = {"server_default": text("'{}'::jsonb")}
EMPTY_LIST = {"server_default": text("'[]'::jsonb")}


def enum_type(members: type, name: str) -> Enum:
    """Return the PostgreSQL enum type `name` whose labels are the members' values.

    SQLAlchemy's default is the members' names, which are upper case here.
    """
    return Enum(members, name=name, values_callable=lambda enum: [item.value for item in enum])


def left_out() -> Any:
    """Return the value of an Update model's field that the sender has left out.

    Used as `default_factory` for columns that are NOT NULL: a default is not checked, so leaving
    out is allowed and an explicit null refused. As `default` it would be offered in the API's docs.
    """
    return None


class Row(SQLModel):
    """The columns of every table. Times are timestamptz, set by the database, and read as UTC.

    `deleted_at` marks a row as deleted; such rows are invisible to the API.
    """

    id: UUID = Field(
        default_factory=uuid4,
        primary_key=True,
        sa_column_kwargs={"server_default": func.gen_random_uuid()},
    )
    created_at: datetime = Field(
        default=None, nullable=False, sa_column_kwargs={"server_default": func.now()}
    )
    # An upsert (INSERT … ON CONFLICT DO UPDATE) has to set it by itself: onupdate is for UPDATE.
    updated_at: datetime = Field(
        default=None,
        nullable=False,
        sa_column_kwargs={"server_default": func.now(), "onupdate": func.now()},
    )
    deleted_at: datetime | None = None

    # Fetches the times with the INSERT or UPDATE itself (RETURNING); loading them later, on access,
    # is impossible under asyncio.
    __mapper_args__: dict[str, Any] = {"eager_defaults": True}
