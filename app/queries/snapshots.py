"""Queries on snapshots: the imports that changed something, and the files each of them held."""

import re

from app.formats.files import EXTENSIONS
from app.ontology.kinds import Kind

# The newest first; $1: how many, null for all.
SNAPSHOTS = """
SELECT id, name, commit_sha, imported_at FROM snapshots ORDER BY id DESC LIMIT $1
"""


def _holds(snapshot: str) -> str:
    return f"(added_in <= {snapshot} AND (removed_in IS NULL OR removed_in > {snapshot}))"


def _list_of(kind: Kind, change: str) -> str:
    # COLLATE "C": the order of the keys is that of the other histories, whatever the database's is.
    return f"""
        '{change}', coalesce(
            json_agg(change ORDER BY key COLLATE "C")
                FILTER (WHERE kind = '{kind}' AND what = '{change}'),
            '[]'
        )
    """


def _lists_of(kind: Kind) -> str:
    lists = ", ".join(_list_of(kind, change) for change in ("added", "modified", "deleted"))
    return f"'{kind.plural}', json_build_object({lists})"


_EXTENSIONS = "|".join(map(re.escape, EXTENSIONS))
_PLURAL = " ".join(f"WHEN '{kind}' THEN '{kind.plural}'" for kind in Kind)

# $1, $2: the ids of the old and the new snapshot; $3, $4: what they are called. One row, one JSON
# text (VersionDiff). A file of both snapshots is dropped before its document is read.
DIFF = f"""
WITH either AS (
    SELECT kind, document, {_holds("$1")} AS is_old,
        regexp_replace(path, '({_EXTENSIONS})$', '') AS key
    FROM snapshot_files
    WHERE {_holds("$1")} <> {_holds("$2")}
), pairs AS (
    SELECT kind, key, old.document AS old, new.document AS new
    FROM (SELECT * FROM either WHERE is_old) AS old
    FULL JOIN (SELECT * FROM either WHERE NOT is_old) AS new USING (kind, key)
), changes AS (
    SELECT kind, key,
        CASE WHEN old IS NULL THEN 'added' WHEN new IS NULL THEN 'deleted' ELSE 'modified' END
            AS what,
        json_build_object(
            'key', key,
            'entity_type', CASE kind {_PLURAL} END,
            'entity_id', split_part(key, '/', 2),
            'old', old,
            'new', new
        ) AS change
    FROM pairs
    WHERE old IS DISTINCT FROM new
)
SELECT json_build_object(
    'old_version', $3::text, 'new_version', $4::text, {", ".join(map(_lists_of, Kind))}
)::text
FROM changes
"""  # its parts are constants
