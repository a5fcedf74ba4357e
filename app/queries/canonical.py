"""What a draft has to do with in the ontology: read at once, and no more than that."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.ext.asyncio.session import AsyncSession

from app.drafts.canonical import Canonical, Proposal, User
from app.drafts.items import (
    Fields,
    Key,
    Reference,
    entity_fields,
    module_fields,
    profile_fields,
)
from app.ontology.kinds import Kind
from app.queries.definitions import has_parent, lists, parents

# How many of those that a draft leaves with a reference to nothing are looked up.
_MAX_USERS = 500


def _keys(name: str) -> str:
    return (
        f"{name} (kind, id) AS (SELECT * FROM"
        f" unnest(CAST(:{name}_kinds AS text[]), CAST(:{name}_ids AS text[])))"
    )


def _list(columns: str, source: str) -> str:
    return f"(SELECT coalesce(jsonb_agg(jsonb_build_array({columns})), '[]') FROM {source})"


def _touched(kind: str) -> str:
    return (
        f"touched JOIN {kind}s ON {kind}_id = touched.id"
        f" WHERE touched.kind = '{kind}' AND deleted_at IS NULL"
    )


# LATERAL with LIMIT: one index lookup for each row. A join would be planned for the number of rows
# that PostgreSQL expects of a recursion or a list, that is, by reading the whole table.
_ENTITY = """LATERAL (
    SELECT label, description, schema_definition FROM entities
    WHERE entity_id = touched.id AND entity_type::text = touched.kind AND deleted_at IS NULL LIMIT 1
) AS entity"""
_CATEGORY = """LATERAL (
    SELECT schema_definition FROM entities
    WHERE entity_type = 'category' AND entity_id = above.id AND deleted_at IS NULL
    AND above.id <> ALL (CAST(:categories AS text[])) LIMIT 1
) AS category"""
_MODULE = """LATERAL (
    SELECT dependencies FROM modules
    WHERE module_id = needed.id AND deleted_at IS NULL
    AND needed.id <> ALL (CAST(:modules AS text[])) LIMIT 1
) AS module"""


def _users(kind: str, table: str, columns: str, condition: str) -> str:
    return (
        f"SELECT {columns} FROM {table}"
        f" WHERE removed.kind = '{kind}' AND deleted_at IS NULL AND {condition}"
    )


_DEFINITION = "schema_definition"
_USERS = " UNION ALL ".join(
    (
        _users(
            "category",
            "entities",
            "entity_type::text, entity_id, 'parent'",
            f"entity_type = 'category' AND {has_parent(_DEFINITION, 'removed.id')}",
        ),
        _users(
            "property",
            "entities",
            "entity_type::text, entity_id, 'properties'",
            "entity_type IN ('category', 'subobject')"
            f" AND {lists(_DEFINITION, 'properties', 'removed.id')}",
        ),
        _users(
            "subobject",
            "entities",
            "entity_type::text, entity_id, 'subobjects'",
            f"entity_type = 'category' AND {lists(_DEFINITION, 'subobjects', 'removed.id')}",
        ),
        _users(
            "category",
            "modules",
            "'module', module_id, 'category_ids'",
            "category_ids ? removed.id",
        ),
        _users(
            "module", "modules", "'module', module_id, 'dependencies'", "dependencies ? removed.id"
        ),
        _users(
            "module", "profiles", "'profile', profile_id, 'module_ids'", "module_ids ? removed.id"
        ),
    )
)

_IS_KNOWN = """CASE kind
    WHEN 'module' THEN EXISTS (
        SELECT FROM modules WHERE module_id = referenced.id AND deleted_at IS NULL
    )
    ELSE EXISTS (
        SELECT FROM entities
        WHERE entity_id = referenced.id AND entity_type::text = kind AND deleted_at IS NULL
    )
END"""


def _twins(kind: str, table: str, key: str) -> str:
    # A join by equality, so that the table is read once and not once for each of the draft's ids.
    return (
        f"SELECT touched.kind, touched.id, {key} FROM touched JOIN {table}"
        f" ON {kind} = touched.kind AND lower({key}) = lower(touched.id)"
        f" WHERE {key} <> touched.id AND deleted_at IS NULL"
    )


_TWINS = " UNION ALL ".join(
    (
        _twins("entity_type::text", "entities", "entity_id"),
        _twins("'module'", "modules", "module_id"),
        _twins("'profile'", "profiles", "profile_id"),
    )
)

_COLUMNS = (
    "entities",
    "modules",
    "profiles",
    "known",
    "parents",
    "dependencies",
    "users",
    "twins",
)

# UNION, not UNION ALL, ends at a loop: an id that has been reached adds nothing again.
_CANONICAL = text(
    f"""
    WITH RECURSIVE {_keys("touched")}, {_keys("referenced")}, {_keys("removed")},
    above (id) AS (
        SELECT unnest(CAST(:parents AS text[]))
        UNION
        SELECT parent.id FROM above CROSS JOIN {_CATEGORY}
        CROSS JOIN LATERAL ({parents("category.schema_definition")}) AS parent (id)
    ),
    needed (id) AS (
        SELECT unnest(CAST(:dependencies AS text[]))
        UNION
        SELECT jsonb_array_elements_text(module.dependencies) FROM needed CROSS JOIN {_MODULE}
    ),
    users AS (
        SELECT used.*, removed.kind AS target_kind, removed.id AS target
        FROM removed CROSS JOIN LATERAL ({_USERS}) AS used (kind, id, field)
        WHERE (used.kind, used.id) NOT IN (SELECT kind, id FROM touched)
        LIMIT {_MAX_USERS} + 1
    ),
    twins (kind, id, twin) AS ({_TWINS})
    SELECT
        {_list("kind, id, label, description, schema_definition", f"touched, {_ENTITY}")}
            AS entities,
        {_list("module_id, label, description, category_ids, dependencies", _touched("module"))}
            AS modules,
        {_list("profile_id, label, description, module_ids", _touched("profile"))} AS profiles,
        {_list("kind, id", f"referenced WHERE {_IS_KNOWN}")} AS known,
        {_list("above.id, ARRAY(" + parents("schema_definition") + ")", f"above, {_CATEGORY}")}
            AS parents,
        {_list("needed.id, module.dependencies", f"needed, {_MODULE}")} AS dependencies,
        {_list("kind, id, field, target_kind, target", "users")} AS users,
        {_list("kind, id, twin", "twins")} AS twins
    """
).columns(**dict.fromkeys(_COLUMNS, JSONB))


async def read_canonical(session: AsyncSession, proposal: Proposal) -> Canonical:
    """Return what the proposal has to do with, as of one moment: it is one statement."""
    # PostgreSQL expects thousands of rows of each recursion, and would spend seconds on compiling a
    # statement that runs for milliseconds.
    connection = await session.connection()
    await connection.execute(text("SET LOCAL jit = off"))
    touched = proposal.touched()
    row = (
        await connection.execute(
            _CANONICAL,
            {
                **_pairs("touched", touched),
                **_pairs("referenced", proposal.referenced()),
                **_pairs("removed", proposal.deleted),
                "parents": _named(proposal, Kind.CATEGORY),
                "dependencies": _named(proposal, Kind.MODULE),
                "categories": [one for kind, one in touched if kind is Kind.CATEGORY],
                "modules": [one for kind, one in touched if kind is Kind.MODULE],
            },
        )
    ).one()
    users = sorted(
        User((Kind(kind), one), Reference(field, Kind(target_kind), target))
        for kind, one, field, target_kind, target in row.users[:_MAX_USERS]
    )
    return Canonical(
        touched=_touched_items(row),
        known={(Kind(kind), one) for kind, one in row.known},
        parents=dict(row.parents),
        dependencies=dict(row.dependencies),
        users=users,
        twins={(Kind(kind), one): twin for kind, one, twin in sorted(row.twins)},
        all_users=len(row.users) <= _MAX_USERS,
    )


def _pairs(name: str, keys: Sequence[Key]) -> dict[str, list[str]]:
    return {f"{name}_kinds": [kind for kind, _ in keys], f"{name}_ids": [one for _, one in keys]}


def _named(proposal: Proposal, kind: Kind) -> list[str]:
    return list({target for targets in proposal.edges(kind).values() for target in targets})


def _touched_items(row: Any) -> dict[Key, Fields]:
    return {
        **{
            (Kind(kind), one): entity_fields(Kind(kind), one, *more)
            for kind, one, *more in row.entities
        },
        **{(Kind.MODULE, one): module_fields(one, *more) for one, *more in row.modules},
        **{(Kind.PROFILE, one): profile_fields(one, *more) for one, *more in row.profiles},
    }
