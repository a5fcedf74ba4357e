"""snapshots and rate windows

Revision: 73e18a76e17c
Follows: c069ae64b4e5
Made: 2026-11-25 09:59:59.866473+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "73e18a76e17c"
down_revision: str | Sequence[str] | None = "c069ae64b4e5"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Rather fail and be run again than queue behind a long query, with all others queued behind us.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "rate_windows",
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("policy", "client", name=op.f("pk_rate_windows")),
    )
    op.create_table(
        "snapshots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("commit_sha", sa.Text(), nullable=True),
        sa.Column(
            "imported_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_table(
        "snapshot_files",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("category", "property", "subobject", "module", "profile", name="sourcekind"),
            nullable=False,
        ),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("added_in", sa.BigInteger(), nullable=False),
        sa.Column("removed_in", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["added_in"], ["snapshots.id"], name=op.f("fk_snapshot_files_added_in_snapshots")
        ),
        sa.ForeignKeyConstraint(
            ["removed_in"], ["snapshots.id"], name=op.f("fk_snapshot_files_removed_in_snapshots")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot_files")),
    )
    op.create_index(
        "uq_snapshot_files_current",
        "snapshot_files",
        ["kind", "item_id"],
        unique=True,
        postgresql_where=sa.text("removed_in IS NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("snapshot_files", "snapshots", "rate_windows"):
        op.drop_table(table)
    # A table takes its indexes with it, but not the enum types of its columns.
    op.execute("DROP TYPE sourcekind")
