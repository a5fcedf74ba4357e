"""The statements of an import, in their order: one transaction over a staging table.

Each compares the staging table with a real one and writes what differs, so that an import of the
same source changes no row.
"""

from dataclasses import dataclass

LOCK_SECONDS = 60

# A file that has been read has a label. One that could not be read has none: what is known of it
# stays as it was. `body` is a definition, a module's categories or a profile's modules; `document`
# is null where it is the same. `named` is whether the file has the id's name.
#
# Tables that were filled a moment ago have no statistics. Planned by guesses, joins of 10^4 rows
# became loops in loops of ten minutes; without such loops 10^5 rows take seconds.
CREATE = f"""
SET LOCAL lock_timeout = '{LOCK_SECONDS}s';
SET LOCAL statement_timeout = 0;
SET LOCAL jit = off;
SET LOCAL enable_nestloop = off;
CREATE TEMPORARY TABLE staged (
    n integer, kind text COLLATE "C", item_id text COLLATE "C", label text, description text,
    body jsonb, dependencies jsonb, path text COLLATE "C", content text, document jsonb,
    named boolean
) ON COMMIT DROP
"""

COLUMNS = (
    *("n", "kind", "item_id", "label", "description", "body", "dependencies"),
    *("path", "content", "document", "named"),
)

TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1)"
LOCK = "SELECT pg_advisory_xact_lock($1)"

# A temporary table has no statistics of its own, which matters to the plans where it is large.
ANALYZE = "ANALYZE staged (n, kind, item_id, path)"

# What a file that could not be read held before: its id need not be the file's name.
KEEP_UNREAD = """
INSERT INTO staged (kind, item_id, path)
SELECT f.kind, f.item_id, f.path
FROM staged s JOIN snapshot_files f ON f.path = s.path AND f.removed_in IS NULL
WHERE s.label IS NULL
"""

# Of several files with one id, the one that has its name counts. $1: how many to tell about.
DROP_DUPLICATES = """
WITH ranked AS (
    SELECT n, row_number() OVER same AS place, first_value(path) OVER same AS first
    FROM staged WHERE label IS NOT NULL
    WINDOW same AS (PARTITION BY kind, item_id ORDER BY named DESC, path)
), dropped AS (
    DELETE FROM staged s USING ranked r WHERE s.n = r.n AND r.place > 1
    RETURNING s.path, s.item_id, s.content, r.first
)
SELECT *, count(*) OVER () AS total FROM dropped ORDER BY path LIMIT $1
"""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, the kinds it holds, how its rows are found, and its columns' values."""

    name: str
    kinds: str
    kind: str
    same: str
    identity: dict[str, str]
    content: dict[str, str]


_ENTITIES = _Table(
    name="entities",
    kinds="'category', 'property', 'subobject'",
    kind="known.entity_type::text",
    same="known.entity_id = s.item_id AND known.entity_type = s.kind::entitytype",
    identity={"entity_id": "s.item_id", "entity_type": "s.kind::entitytype"},
    content={"label": "s.label", "description": "s.description", "schema_definition": "s.body"},
)
_MODULES = _Table(
    name="modules",
    kinds="'module'",
    kind="'module'",
    same="known.module_id = s.item_id",
    identity={"module_id": "s.item_id"},
    content={
        "label": "s.label",
        "description": "s.description",
        "category_ids": "s.body",
        "dependencies": "s.dependencies",
    },
)
_PROFILES = _Table(
    name="profiles",
    kinds="'profile'",
    kind="'profile'",
    same="known.profile_id = s.item_id",
    identity={"profile_id": "s.item_id"},
    content={"label": "s.label", "description": "s.description", "module_ids": "s.body"},
)


def _merge(table: _Table) -> str:
    """Return the statement that brings one table to what is staged.

    $1 is the commit. It answers (kind, action, count) for added, changed, revived, removed and
    unchanged rows. ON CONFLICT DO UPDATE would be shorter, but it locks the rows that it leaves
    unchanged, which is a write.
    """
    columns = table.identity | table.content
    old = ", ".join(f"known.{name}" for name in table.content)
    new = ", ".join(table.content.values())
    return f"""
WITH compared AS MATERIALIZED (
    SELECT s.n, s.kind, known.id,
        CASE WHEN known.id IS NULL THEN 'added'
             WHEN known.deleted_at IS NOT NULL THEN 'revived'
             WHEN ({old}) IS DISTINCT FROM ({new}) THEN 'changed'
             ELSE 'unchanged' END AS action
    FROM staged s LEFT JOIN {table.name} known ON {table.same}
    WHERE s.label IS NOT NULL AND s.kind IN ({table.kinds})
), updated AS (
    UPDATE {table.name} known
    SET ({", ".join(table.content)}) = ROW({new}),
        commit_sha = $1, updated_at = now(), deleted_at = NULL
    FROM compared c JOIN staged s USING (n)
    WHERE known.id = c.id AND c.action IN ('changed', 'revived')
), inserted AS (
    INSERT INTO {table.name} ({", ".join(columns)}, commit_sha)
    SELECT {", ".join(columns.values())}, $1
    FROM compared c JOIN staged s USING (n) WHERE c.action = 'added'
), removed AS (
    UPDATE {table.name} known SET deleted_at = now(), updated_at = now()
    WHERE known.deleted_at IS NULL AND NOT EXISTS (
        SELECT FROM staged s WHERE s.kind IN ({table.kinds}) AND {table.same}
    )
    RETURNING {table.kind} AS kind
)
SELECT kind, action, count(*) FROM compared GROUP BY kind, action
UNION ALL
SELECT kind, 'removed', count(*) FROM removed GROUP BY kind
"""  # put together from the constants above


def _elements(array: str) -> str:
    """Return the SQL of the texts in a jsonb array, as rows.

    jsonb_array_elements_text alone is planned as 100 rows, and a few of them one on the other as
    millions: PostgreSQL then makes ready for these, which takes longer than the work.
    """
    return f"unnest(ARRAY(SELECT jsonb_array_elements_text({array})))"


MERGE_ENTITIES = _merge(_ENTITIES)
MERGE_MODULES = _merge(_MODULES)
MERGE_PROFILES = _merge(_PROFILES)

# A module whose file does not say what it depends on needs those that hold an ancestor of one of
# its categories, or the category that one of their required properties takes its values from: its
# pages cannot be complete without them. Optional properties are left out on purpose: nearly every
# module would depend on every other.
DERIVE_DEPENDENCIES = f"""
WITH RECURSIVE membership AS (
    SELECT s.item_id AS module, {_elements("s.body")} COLLATE "C" AS category
    FROM staged s WHERE s.kind = 'module' AND s.label IS NOT NULL
    UNION
    SELECT m.module_id, {_elements("m.category_ids")}
    FROM staged s JOIN modules m ON m.module_id = s.item_id AND m.deleted_at IS NULL
    WHERE s.kind = 'module' AND s.label IS NULL
), category AS (
    SELECT entity_id AS id, schema_definition AS definition FROM entities
    WHERE entity_type = 'category' AND deleted_at IS NULL
), lineage AS (
    SELECT module, category FROM membership
    UNION
    SELECT l.module, {_elements("c.definition -> 'parents'")}
    FROM lineage l JOIN category c ON c.id = l.category
), needed AS (
    SELECT module, category FROM lineage
    UNION ALL
    SELECT r.module, p.schema_definition ->> 'allows_value_from_category'
    FROM (
        SELECT l.module, {_elements("c.definition -> 'required_properties'")} AS id
        FROM lineage l JOIN category c ON c.id = l.category
    ) r
    JOIN entities p ON p.entity_id = r.id
        AND p.entity_type = 'property' AND p.deleted_at IS NULL
), owner AS (
    -- Where several modules hold a category, any one of them will do.
    SELECT category, min(module) AS module FROM membership GROUP BY category
), dependency AS (
    SELECT n.module, jsonb_agg(DISTINCT o.module ORDER BY o.module) AS needs
    FROM needed n JOIN owner o USING (category)
    WHERE NOT EXISTS (
        SELECT FROM membership own WHERE own.module = n.module AND own.category = n.category
    )
    GROUP BY n.module
)
UPDATE staged s SET dependencies = COALESCE(d.needs, '[]')
FROM staged silent LEFT JOIN dependency d ON d.module = silent.item_id
WHERE silent.n = s.n AND s.kind = 'module' AND s.dependencies IS NULL
"""  # put together from the constants above

# A snapshot is added where a file, the name or the commit is another than in the last one. $1 is
# the name, $2 the commit; it answers the snapshot's id, or nothing.
ADD_SNAPSHOT = """
WITH last AS (SELECT name, commit_sha FROM snapshots ORDER BY id DESC LIMIT 1)
INSERT INTO snapshots (name, commit_sha)
SELECT $1::text, $2::text
WHERE ($1 IS NOT NULL AND $1 IS DISTINCT FROM (SELECT name FROM last))
   OR ($2 IS NOT NULL AND $2 IS DISTINCT FROM (SELECT commit_sha FROM last))
   OR EXISTS (
        SELECT FROM staged s
        FULL JOIN (SELECT * FROM snapshot_files WHERE removed_in IS NULL) f
            ON f.kind = s.kind::sourcekind AND f.item_id = s.item_id
        WHERE s.path IS NULL OR (
            s.label IS NOT NULL AND (s.content, s.path) IS DISTINCT FROM (f.content, f.path)
        )
   )
RETURNING id
"""

# Two statements, because the index that keeps current files unique is checked row by row.
CLOSE_FILES = """
UPDATE snapshot_files f SET removed_in = $1
WHERE f.removed_in IS NULL AND NOT EXISTS (
    SELECT FROM staged s WHERE s.kind::sourcekind = f.kind AND s.item_id = f.item_id
    AND (s.label IS NULL OR (s.content, s.path) = (f.content, f.path))
)
"""
OPEN_FILES = """
INSERT INTO snapshot_files (kind, item_id, path, content, document, added_in)
SELECT s.kind::sourcekind, s.item_id, s.path, s.content, COALESCE(s.document, s.body), $1
FROM staged s
WHERE s.label IS NOT NULL AND NOT EXISTS (
    SELECT FROM snapshot_files f
    WHERE f.removed_in IS NULL AND f.kind = s.kind::sourcekind AND f.item_id = s.item_id
)
"""

# $1: how many to tell about; the texts are cut, so that many long files fit into memory.
FIND_DANGLING = f"""
WITH reference AS (
    SELECT s.n, part.kind, {_elements("s.body -> part.key")} AS target
    FROM staged s JOIN (VALUES
        ('category', 'parents', 'category'),
        ('category', 'properties', 'property'),
        ('category', 'subobjects', 'subobject'),
        ('subobject', 'properties', 'property')
    ) AS part (holder, key, kind) ON part.holder = s.kind
    WHERE s.label IS NOT NULL
    UNION ALL
    SELECT n, 'category', body ->> 'allows_value_from_category' FROM staged
    WHERE kind = 'property' AND body ? 'allows_value_from_category'
    UNION ALL
    SELECT n, CASE kind WHEN 'module' THEN 'category' ELSE 'module' END,
        {_elements("body")}
    FROM staged WHERE kind IN ('module', 'profile')
    UNION ALL
    SELECT n, 'module', {_elements("dependencies")} FROM staged WHERE kind = 'module'
), dangling AS (
    SELECT r.n, r.kind, r.target, count(*) OVER () AS total
    FROM reference r
    WHERE r.target IS NOT NULL AND NOT EXISTS (
        SELECT FROM staged t WHERE t.kind = r.kind AND t.item_id = r.target
    )
)
SELECT s.path, left(s.content, 65536) AS content, d.kind, d.target, d.total
FROM dangling d JOIN staged s USING (n) ORDER BY s.path, d.kind, d.target LIMIT $1
"""  # put together from the constants above
