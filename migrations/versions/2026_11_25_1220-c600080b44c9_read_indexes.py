"""read indexes

Revision: c600080b44c9
Follows: 73e18a76e17c
Made: 2026-11-25 12:20:00.218321+00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c600080b44c9"
down_revision: str | Sequence[str] | None = "73e18a76e17c"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LIVE = "deleted_at IS NULL"
SEARCHED = (
    "lower(((((label || chr(10)) || entity_id) || chr(10)) || COALESCE(description, ''::text))"
    ' COLLATE "default")'
)


def upgrade() -> None:
    # Rather fail and be run again than queue behind a long query, with all others queued behind us.
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A trusted extension: the database's owner may create it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    # Pages follow the order of the ids' bytes, whatever the database's own collation.
    op.alter_column("entities", "entity_id", type_=sa.Text(collation="C"))
    op.add_column(
        "entities",
        sa.Column(
            "search_line",
            sa.Text(collation="C"),
            sa.Computed(
                f'("left"(label, 100) || chr(10)) || "left"({SEARCHED}, 500)', persisted=True
            ),
        ),
    )
    op.create_index(
        "ix_entities_page", "entities", ["entity_type", "entity_id"], postgresql_where=sa.text(LIVE)
    )
    op.create_index(
        "ix_entities_references",
        "entities",
        ["schema_definition"],
        postgresql_using="gin",
        postgresql_ops={"schema_definition": "jsonb_path_ops"},
        postgresql_where=sa.text(f"entity_type = 'category'::entitytype AND {LIVE}"),
    )
    op.create_index(
        "ix_entities_search_trigrams",
        "entities",
        ["search_line"],
        postgresql_using="gin",
        postgresql_ops={"search_line": "gin_trgm_ops"},
        postgresql_where=sa.text(LIVE),
    )
    op.create_index(
        "ix_entities_search_order",
        "entities",
        ["entity_type", "search_line", "id"],
        postgresql_where=sa.text(LIVE),
    )
    op.create_index(
        "ix_entities_search_long",
        "entities",
        [sa.literal_column(SEARCHED).label("searched")],
        postgresql_using="gin",
        postgresql_ops={"searched": "gin_trgm_ops"},
        postgresql_where=sa.text(f"octet_length(search_line) > 500 AND {LIVE}"),
    )
    op.create_index(
        "ix_modules_category_ids",
        "modules",
        ["category_ids"],
        postgresql_using="gin",
        postgresql_where=sa.text(LIVE),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_modules_category_ids", table_name="modules")
    for index in ("search_long", "search_order", "search_trigrams", "references", "page"):
        op.drop_index(f"ix_entities_{index}", table_name="entities")
    op.drop_column("entities", "search_line")
    op.alter_column("entities", "entity_id", type_=sa.Text(collation="default"))
    # pg_trgm stays: it may have been there before, and others may use it.
