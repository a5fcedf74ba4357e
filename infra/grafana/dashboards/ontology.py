"""The ontology dashboard: what the hub holds, how it grew, and what is wrong with it.

All of it comes from the database itself, so it works without Prometheus too.
"""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.panels import HALF, WHOLE, bars, document, graph, number, rows
from infra.grafana.queries import sql, sql_over_time
from infra.settings import StackSettings

UID = "hub-ontology"
TITLE = "Hub: ontology"

NUMBERS = {
    "Categories": "entities WHERE entity_type = 'category' AND deleted_at IS NULL",
    "Properties": "entities WHERE entity_type = 'property' AND deleted_at IS NULL",
    "Subobjects": "entities WHERE entity_type = 'subobject' AND deleted_at IS NULL",
    "Modules": "modules WHERE deleted_at IS NULL",
    "Profiles": "profiles WHERE deleted_at IS NULL",
    "Open drafts": "drafts WHERE deleted_at IS NULL AND status <> 'expired' AND expires_at > now()",
}

BY_TYPE = """
SELECT kind.kind::text AS type, count(entities.id) AS entities
FROM unnest(enum_range(NULL::entitytype)) AS kind
LEFT JOIN entities ON entity_type = kind.kind AND deleted_at IS NULL
GROUP BY kind.kind ORDER BY kind.kind
"""

# What is in no module has a row too, so that the sum is that of all categories.
BY_MODULE = """
WITH listed AS (
    SELECT module_id AS module, jsonb_array_elements_text(category_ids) AS entity_id
    FROM modules WHERE deleted_at IS NULL
)
SELECT coalesce(listed.module, 'in no module') AS module, count(*) AS categories
FROM entities LEFT JOIN listed USING (entity_id)
WHERE entity_type = 'category' AND deleted_at IS NULL
GROUP BY listed.module ORDER BY count(*) DESC, listed.module LIMIT 30
"""

# How many there were at each moment of the time range: what came before counts at its start, and a
# row of nothing at its end draws the line on to there.
GROWTH = """
SELECT "time", metric, sum(made) OVER (PARTITION BY metric ORDER BY "time") AS entities
FROM (
    SELECT $__timeGroupAlias(moment, $__interval), metric, sum(made) AS made
    FROM (
        SELECT greatest(created_at, $__timeFrom()::timestamptz) AS moment,
            entity_type::text AS metric, 1 AS made
        FROM entities WHERE deleted_at IS NULL AND created_at <= $__timeTo()::timestamptz
        UNION ALL
        SELECT $__timeTo()::timestamptz, unnest(enum_range(NULL::entitytype))::text, 0
    ) AS entity
    GROUP BY 1, 2
) AS bucket
ORDER BY 1
"""

# `removed`: the versions of files that an import took away, those that it replaced included.
IMPORTS = """
WITH latest AS (SELECT * FROM snapshots ORDER BY id DESC LIMIT 20),
added AS (
    SELECT added_in AS id, count(*) AS files FROM snapshot_files
    WHERE added_in IN (SELECT id FROM latest) GROUP BY added_in
), removed AS (
    SELECT removed_in AS id, count(*) AS files FROM snapshot_files
    WHERE removed_in IN (SELECT id FROM latest) GROUP BY removed_in
)
SELECT imported_at AS imported, coalesce(name, '') AS name,
    coalesce(left(commit_sha, 12), '') AS commit,
    coalesce(added.files, 0) AS added, coalesce(removed.files, 0) AS removed
FROM latest LEFT JOIN added USING (id) LEFT JOIN removed USING (id)
ORDER BY latest.id DESC
"""

# An expired draft's report is wiped: whether it was valid is not known any more.
DRAFTS = """
SELECT status.status::text AS status, count(drafts.id) AS drafts,
    count(*) FILTER (WHERE validation_results -> 'is_valid' = 'true') AS valid,
    count(*) FILTER (WHERE validation_results -> 'is_valid' = 'false') AS invalid
FROM unnest(enum_range(NULL::draftstatus)) AS status
LEFT JOIN drafts ON drafts.status = status.status AND deleted_at IS NULL
GROUP BY status.status ORDER BY status.status
"""

FINDINGS = """
WITH found AS (
    SELECT severity, finding ->> 'code' AS code
    FROM drafts CROSS JOIN (VALUES ('errors'), ('warnings'), ('info')) AS part (severity)
    CROSS JOIN jsonb_array_elements(validation_results -> severity) AS finding
    WHERE deleted_at IS NULL
)
SELECT severity, code, count(*) AS findings FROM found GROUP BY severity, code
UNION ALL
SELECT '', 'no draft has any', 0 WHERE NOT EXISTS (SELECT FROM found)
ORDER BY findings DESC, code LIMIT 30
"""

# The normal form of a definition has these lists whatever the source's spelling is.
DANGLING = """
WITH live AS MATERIALIZED (
    SELECT entity_type, entity_id, schema_definition FROM entities WHERE deleted_at IS NULL
), mention (kind, source, target_type, target) AS (
    SELECT list.name || ' of a ' || entity_type, entity_id, list.target, item #>> '{}'
    FROM live CROSS JOIN (VALUES
        ('parent', 'parents', 'category'),
        ('property', 'properties', 'property'),
        ('subobject', 'subobjects', 'subobject')
    ) AS list (name, key, target)
    CROSS JOIN jsonb_array_elements(
        CASE jsonb_typeof(schema_definition -> list.key)
        WHEN 'array' THEN schema_definition -> list.key ELSE '[]' END
    ) AS item
    UNION ALL
    SELECT 'category of a module', module_id, 'category', jsonb_array_elements_text(category_ids)
    FROM modules WHERE deleted_at IS NULL
), missing AS (
    SELECT kind, source, target FROM mention WHERE NOT EXISTS (
        SELECT FROM live
        WHERE live.entity_id = mention.target AND live.entity_type::text = mention.target_type
    )
)
SELECT kind AS mention, target AS missing, count(*) AS mentions, min(source) AS for_example
FROM missing GROUP BY kind, target
UNION ALL
SELECT 'all that is mentioned is there', '', 0, '' WHERE NOT EXISTS (SELECT FROM missing)
ORDER BY mentions DESC, missing LIMIT 100
"""


def build(_settings: StackSettings) -> str:
    """Return the dashboard."""
    return document(
        UID, TITLE, "What the hub holds.", [*_size(), *_growth(), *_drafts(), *_faults()]
    )


def _size() -> Iterator[Sequence[Panel]]:
    yield tuple(
        number(title, units.Short, sql(f"SELECT count(*) AS number FROM {condition}"))  # noqa: S608
        for title, condition in NUMBERS.items()
    )
    yield (
        bars("Entities by type", units.Short, sql(BY_TYPE)),
        bars(
            "Categories by module",
            units.Short,
            sql(BY_MODULE),
            "The largest 30. A category that several modules list counts in each of them.",
        ),
    )


def _growth() -> Iterator[Sequence[Panel]]:
    yield (
        graph(
            "Growth",
            units.Short,
            sql_over_time(GROWTH),
            description="Those entities that are there today, by when they came.",
            steps=True,
        ),
        rows(
            "Imports",
            sql(IMPORTS),
            "Those that changed something, the latest first: how many versions of files each "
            "added and removed.",
            size=HALF,
        ),
    )


def _drafts() -> Iterator[Sequence[Panel]]:
    yield (
        rows("Drafts", sql(DRAFTS), "How many there are, and what their reports say.", size=HALF),
        rows(
            "What drafts were told",
            sql(FINDINGS),
            "Findings in the reports of drafts, by their code.",
            size=HALF,
        ),
    )


def _faults() -> Iterator[Sequence[Panel]]:
    yield (
        rows(
            "Mentioned, but not there",
            sql(DANGLING),
            "Entities that others refer to and that the hub does not hold.",
            size=WHOLE,
        ),
    )
