"""initial schema

Revision: c069ae64b4e5
Follows:
Made: 2026-11-23 09:12:47.120078+00:00
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "c069ae64b4e5"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ENTITY_TYPE = sa.Enum("category", "property", "subobject", name="entitytype")
DRAFT_STATUS = sa.Enum("pending", "validated", "submitted", "expired", name="draftstatus")


def upgrade() -> None:
    # Rather fail and be run again than queue behind a long query, with all others queued behind us.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "entities",
        _id(),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("entity_type", ENTITY_TYPE, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        _jsonb("schema_definition", "{}"),
        sa.Column("commit_sha", sa.Text()),
        *_times(),
        sa.PrimaryKeyConstraint("id", name="pk_entities"),
        sa.UniqueConstraint("entity_id", "entity_type", name="uq_entities_entity_id_type"),
    )
    op.create_index("ix_entities_entity_id", "entities", ["entity_id"])
    op.create_table(
        "modules",
        _id(),
        sa.Column("module_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        _jsonb("category_ids", "[]"),
        _jsonb("dependencies", "[]"),
        sa.Column("commit_sha", sa.Text()),
        *_times(),
        sa.PrimaryKeyConstraint("id", name="pk_modules"),
    )
    op.create_index("ix_modules_module_id", "modules", ["module_id"], unique=True)
    op.create_table(
        "profiles",
        _id(),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        _jsonb("module_ids", "[]"),
        sa.Column("commit_sha", sa.Text()),
        *_times(),
        sa.PrimaryKeyConstraint("id", name="pk_profiles"),
    )
    op.create_index("ix_profiles_profile_id", "profiles", ["profile_id"], unique=True)
    op.create_table(
        "drafts",
        _id(),
        sa.Column("capability_hash", sa.Text(), nullable=False),
        sa.Column(
            "status",
            DRAFT_STATUS,
            server_default=sa.text("'pending'::draftstatus"),
            nullable=False,
        ),
        _jsonb("payload", "{}"),
        sa.Column("source_wiki", sa.Text()),
        sa.Column("base_commit_sha", sa.Text()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("diff_preview", JSONB()),
        sa.Column("validation_results", JSONB()),
        sa.Column("pr_url", sa.Text()),
        *_times(),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
    )
    op.create_index("ix_drafts_capability_hash", "drafts", ["capability_hash"], unique=True)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("drafts", "profiles", "modules", "entities"):
        op.drop_table(table)
    # A table takes its indexes with it, but not the enum types of its columns.
    for enum in (DRAFT_STATUS, ENTITY_TYPE):
        op.execute(f"DROP TYPE {enum.name}")


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False)


def _jsonb(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, JSONB(), server_default=sa.text(f"'{default}'::jsonb"), nullable=False)


def _times() -> list[sa.Column[Any]]:
    now = sa.text("now()")
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
    ]
