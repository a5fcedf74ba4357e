"""The migrated database is what the contract says, read from the database's own catalogues."""

from typing import Any

import pytest
from sqlalchemy import Enum
from sqlalchemy.engine import URL
from sqlmodel import SQLModel

import app.models  # noqa: F401  # fills SQLModel.metadata
from tests.app.support import sql

ID = {"id": ("uuid", "no", "gen_random_uuid()")}
TIMES = {
    "created_at": ("timestamptz", "no", "now()"),
    "updated_at": ("timestamptz", "no", "now()"),
    "deleted_at": ("timestamptz", "yes", None),
}
TEXT = ("text", "no", None)
OPTIONAL_TEXT = ("text", "yes", None)
OBJECT = ("jsonb", "no", "'{}'::jsonb")
LIST = ("jsonb", "no", "'[]'::jsonb")

# column: (type, may be null, default)
TABLES: dict[str, dict[str, tuple[str, str, str | None]]] = {
    "entities": ID
    | {
        "entity_id": TEXT,
        "entity_type": ("entitytype", "no", None),
        "label": TEXT,
        "description": OPTIONAL_TEXT,
        "schema_definition": OBJECT,
        "commit_sha": OPTIONAL_TEXT,
        "search_line": ("text", "yes", None),
    }
    | TIMES,
    "modules": ID
    | {
        "module_id": TEXT,
        "label": TEXT,
        "description": OPTIONAL_TEXT,
        "category_ids": LIST,
        "dependencies": LIST,
        "commit_sha": OPTIONAL_TEXT,
    }
    | TIMES,
    "profiles": ID
    | {
        "profile_id": TEXT,
        "label": TEXT,
        "description": OPTIONAL_TEXT,
        "module_ids": LIST,
        "commit_sha": OPTIONAL_TEXT,
    }
    | TIMES,
    "drafts": ID
    | {
        "capability_hash": TEXT,
        "status": ("draftstatus", "no", "'pending'::draftstatus"),
        "payload": OBJECT,
        "source_wiki": OPTIONAL_TEXT,
        "base_commit_sha": OPTIONAL_TEXT,
        "expires_at": ("timestamptz", "no", None),
        "diff_preview": ("jsonb", "yes", None),
        "validation_results": ("jsonb", "yes", None),
        "pr_url": OPTIONAL_TEXT,
    }
    | TIMES,
    "rate_windows": {
        "policy": TEXT,
        "client": TEXT,
        "started_at": ("timestamptz", "no", None),
        "used": ("int4", "no", None),
    },
    "snapshots": {
        "id": ("int8", "no", None),
        "name": OPTIONAL_TEXT,
        "commit_sha": OPTIONAL_TEXT,
        "imported_at": ("timestamptz", "no", "now()"),
    },
    "snapshot_files": {
        "id": ("int8", "no", None),
        "kind": ("sourcekind", "no", None),
        "item_id": TEXT,
        "path": TEXT,
        "content": TEXT,
        "document": ("jsonb", "no", None),
        "added_in": ("int8", "no", None),
        "removed_in": ("int8", "yes", None),
    },
    "job_runs": {
        "id": ("int8", "no", None),
        "job": ("job", "no", None),
        "started_at": ("timestamptz", "no", None),
        "ended_at": ("timestamptz", "no", None),
        "succeeded": ("bool", "no", None),
        "message": OPTIONAL_TEXT,
        "summary": OBJECT,
    },
}

# index: (unique, columns; None is an expression)
INDEXES: dict[str, tuple[bool, list[str | None]]] = {
    "pk_entities": (True, ["id"]),
    "ix_entities_entity_id": (False, ["entity_id"]),
    "uq_entities_entity_id_type": (True, ["entity_id", "entity_type"]),
    "ix_entities_page": (False, ["entity_type", "entity_id"]),
    "ix_entities_references": (False, ["schema_definition"]),
    "ix_entities_search_trigrams": (False, ["search_line"]),
    "ix_entities_search_order": (False, ["entity_type", "search_line", "id"]),
    "ix_entities_search_long": (False, [None]),
    "ix_modules_category_ids": (False, ["category_ids"]),
    "pk_modules": (True, ["id"]),
    "ix_modules_module_id": (True, ["module_id"]),
    "pk_profiles": (True, ["id"]),
    "ix_profiles_profile_id": (True, ["profile_id"]),
    "pk_drafts": (True, ["id"]),
    "ix_drafts_capability_hash": (True, ["capability_hash"]),
    "pk_rate_windows": (True, ["policy", "client"]),
    "pk_snapshots": (True, ["id"]),
    "pk_snapshot_files": (True, ["id"]),
    "uq_snapshot_files_current": (True, ["kind", "item_id"]),
    "pk_job_runs": (True, ["id"]),
}


def test_the_tables_are_these_and_no_other(template: URL) -> None:
    rows = sql(
        template, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    assert {row["table_name"] for row in rows} == {*TABLES, "alembic_version"}


@pytest.mark.parametrize("table", TABLES)
def test_columns_have_the_contracts_types_nullability_and_defaults(
    template: URL, table: str
) -> None:
    rows = sql(
        template,
        "SELECT column_name, udt_name, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
        table,
    )
    found = {
        row["column_name"]: (row["udt_name"], row["is_nullable"].lower(), row["column_default"])
        for row in rows
    }
    assert found == TABLES[table]


def test_indexes_are_these_and_no_other(template: URL) -> None:
    rows = sql(
        template,
        """
        SELECT i.relname AS name, x.indisunique AS is_unique,
               array_agg(a.attname::text ORDER BY k.n) AS columns
        FROM pg_index x
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_class t ON t.oid = x.indrelid
        JOIN pg_namespace s ON s.oid = t.relnamespace AND s.nspname = 'public'
        CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k (attnum, n)
        LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
        WHERE t.relname <> 'alembic_version'
        GROUP BY i.relname, x.indisunique
        """,
    )
    assert {row["name"]: (row["is_unique"], row["columns"]) for row in rows} == INDEXES


def test_an_entity_id_is_unique_within_its_type_by_a_constraint(template: URL) -> None:
    rows = sql(
        template,
        "SELECT conname FROM pg_constraint"
        " WHERE contype = 'u' AND connamespace = 'public'::regnamespace",
    )
    assert [row["conname"] for row in rows] == ["uq_entities_entity_id_type"]


def enum_labels(url: URL) -> dict[str, list[str]]:
    rows: list[dict[str, Any]] = sql(
        url,
        "SELECT t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels"
        " FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid GROUP BY t.typname",
    )
    return {row["name"]: row["labels"] for row in rows}


def test_enum_labels_are_lower_case_and_in_the_contracts_order(template: URL) -> None:
    assert enum_labels(template) == {
        "entitytype": ["category", "property", "subobject"],
        "draftstatus": ["pending", "validated", "submitted", "expired"],
        "sourcekind": ["category", "property", "subobject", "module", "profile"],
        "job": ["migrations", "importer"],
    }


def test_the_models_enums_have_the_databases_labels(template: URL) -> None:
    """`alembic check` does not compare labels: a new member without a migration would pass it."""
    types = [column.type for table in SQLModel.metadata.tables.values() for column in table.c]
    enums = {str(kind.name): list(kind.enums) for kind in types if isinstance(kind, Enum)}
    assert enums == enum_labels(template)
