"""A running hub with a small ontology, and what a client of drafts does with it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.engine import URL

from app.ontology.kinds import Kind
from app.ontology.normal import normalised
from tests.app.support import Backend, backend, sql

# The limits stay on; these tests ask more often than a person would.
OFTEN = {"DRAFTS_PER_HOUR": "100000", "DRAFT_READS_PER_MINUTE": "100000"}

ONTOLOGY: dict[Kind, dict[str, dict[str, Any]]] = {
    Kind.CATEGORY: {
        "Thing": {"properties": ["has_name"]},
        "Animal": {"parent": "Thing", "properties": ["has_name", "has_age"]},
        "Bird": {"parent": "Animal", "properties": ["has_wingspan"], "subobjects": ["Nest"]},
        "Loner": {},
    },
    Kind.PROPERTY: {
        "has_name": {"datatype": "Text", "cardinality": "single"},
        "has_age": {"datatype": "Number", "cardinality": "single"},
        "has_wingspan": {"datatype": "Quantity", "cardinality": "multiple"},
        "has_nobody": {"datatype": "Text", "cardinality": "multiple"},
    },
    Kind.SUBOBJECT: {"Nest": {"properties": ["has_age"]}, "Burrow": {"properties": []}},
}
MODULES: dict[str, tuple[list[str], list[str]]] = {
    "base": (["Thing"], []),
    "zoo": (["Animal", "Bird"], ["base"]),
    "spare": ([], []),
}
PROFILES = {"all": ["base", "zoo"], "none": []}


def seed(url: URL) -> None:
    """Fill a migrated database with the small ontology."""
    add_entities(
        url,
        [
            (kind, entity_id, definition)
            for kind, entities in ONTOLOGY.items()
            for entity_id, definition in entities.items()
        ],
    )
    for module_id, (categories, needs) in MODULES.items():
        add_module(url, module_id, categories, needs)
    profiles = [
        {"profile_id": profile_id, "label": profile_id.title(), "module_ids": modules}
        for profile_id, modules in PROFILES.items()
    ]
    sql(
        url,
        "INSERT INTO profiles (profile_id, label, module_ids) SELECT profile_id, label, module_ids"
        " FROM jsonb_populate_recordset(NULL::profiles, $1::jsonb)",
        json.dumps(profiles),
    )


def add_entities(
    url: URL, entities: Iterable[tuple[Kind, str, Mapping[str, Any]]], *, gone: bool = False
) -> None:
    """Store entities as the importer does, in the normal form; `gone` marks them as deleted."""
    rows = []
    for kind, entity_id, given in entities:
        named = {"id": entity_id, "label": entity_id.replace("_", " "), "description": "As it is."}
        definition = normalised(kind, {**named, **given})
        rows.append(
            {
                "entity_id": entity_id,
                "entity_type": kind,
                "label": definition["label"],
                "description": definition["description"],
                "schema_definition": definition,
            }
        )
    sql(
        url,
        "INSERT INTO entities"
        " (entity_id, entity_type, label, description, schema_definition, deleted_at)"
        " SELECT entity_id, entity_type, label, description, schema_definition,"
        " CASE WHEN $2 THEN now() END FROM jsonb_populate_recordset(NULL::entities, $1::jsonb)"
        " ON CONFLICT (entity_id, entity_type) DO UPDATE SET label = excluded.label,"
        " description = excluded.description, schema_definition = excluded.schema_definition",
        *(json.dumps(rows), gone),
    )


def add_entity(
    url: URL, kind: Kind, entity_id: str, definition: Mapping[str, Any], *, gone: bool = False
) -> None:
    """Store one entity."""
    add_entities(url, [(kind, entity_id, definition)], gone=gone)


def add_module(url: URL, module_id: str, categories: list[str], needs: list[str]) -> None:
    """Store a module."""
    sql(
        url,
        "INSERT INTO modules (module_id, label, category_ids, dependencies)"
        " VALUES ($1, $2, $3::jsonb, $4::jsonb)",
        *(module_id, module_id.title(), json.dumps(categories), json.dumps(needs)),
    )


def entity(
    entity_id: str, definition: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Return an element of a draft: by default what `seed` has stored under this id."""
    if definition is None:
        definition = next(found[entity_id] for found in ONTOLOGY.values() if entity_id in found)
    element = {
        "entity_id": entity_id,
        "label": entity_id.replace("_", " "),
        "description": "As it is.",
        "schema_definition": dict(definition),
    }
    return element | more


def module(module_id: str, **more: Any) -> dict[str, Any]:
    """Return a module's element of a draft: by default what `seed` has stored under this id."""
    categories, needs = MODULES.get(module_id, ([], []))
    element = {"module_id": module_id, "label": module_id.title()}
    return {**element, "category_ids": categories, "dependencies": needs, **more}


def profile(profile_id: str, **more: Any) -> dict[str, Any]:
    """Return a profile's element of a draft: by default what `seed` has stored under this id."""
    element = {"profile_id": profile_id, "label": profile_id.title()}
    return {**element, "module_ids": PROFILES.get(profile_id, []), **more}


def proposal(
    *,
    categories: list[Any] | None = None,
    properties: list[Any] | None = None,
    subobjects: list[Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a payload of the form with content."""
    return {
        "wiki_url": "https://wiki.example.org",
        "base_version": "v1.0.0",
        "entities": {
            "categories": categories or [],
            "properties": properties or [],
            "subobjects": subobjects or [],
        },
        **more,
    }


class Client:
    """Asks one backend for drafts."""

    def __init__(self, running: Backend, database: URL) -> None:
        self.running = running
        self.database = database
        # A connection each: uvicorn closes one after an answer of 500.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(base_url=running.url + "/api/v1", timeout=30, limits=limits)

    def post(self, body: Any, **options: Any) -> httpx.Response:
        if isinstance(body, bytes):
            headers = {"content-type": "application/json"}
            return self.http.post("/drafts", content=body, headers=headers, **options)
        return self.http.post("/drafts", json=body, **options)

    def create(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Make a draft with this payload, and return the answer."""
        answer = self.post({"payload": payload})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def token(self, payload: dict[str, Any]) -> str:
        """Make a draft with this payload, and return its token."""
        return token_of(self.create(payload))

    def report(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the report on this payload."""
        report: dict[str, Any] = self.create(payload)["validation_results"]
        return report

    def get(self, token: str, part: str = "") -> httpx.Response:
        return self.http.get(f"/drafts/{token}{part}")

    def patch(self, token: str, body: Any) -> httpx.Response:
        return self.http.patch(f"/drafts/{token}", json=body)


def token_of(created: Mapping[str, Any]) -> str:
    """Return the token of a new draft's URL."""
    return str(created["capability_url"]).partition("#")[2]


@contextmanager
def client(
    url: URL,
    role: str,
    folder: Path,
    *options: str,
    app: str = "app.main:app",
    variables: Mapping[str, str] | None = None,
) -> Iterator[Client]:
    """Run a backend as `role` on the owner's database `url`, and yield a client of it."""
    settings = {**OFTEN, **(variables or {})}
    owned = url.set(username=role)
    with backend(owned, folder, *options, app=app, variables=settings) as running:
        made = Client(running, url)
        try:
            yield made
        finally:
            made.http.close()


_FIELDS = {
    *("entity_type", "entity_id", "field", "code", "message", "severity", "suggested_semver"),
    *("old_value", "new_value"),
}


def findings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all findings; checks that each stands where its severity belongs."""
    lists = {"error": report["errors"], "warning": report["warnings"], "info": report["info"]}
    for severity, found in lists.items():
        assert all(set(one) == _FIELDS and one["severity"] == severity for one in found)
    assert report["is_valid"] == (not report["errors"])
    return [one for found in lists.values() for one in found]


def only(report: dict[str, Any], code: str) -> dict[str, Any]:
    """Return the one finding with this code."""
    (found,) = [one for one in findings(report) if one["code"] == code]
    return found


def codes(report: dict[str, Any]) -> list[str]:
    """Return the codes of all findings, sorted."""
    return sorted(one["code"] for one in findings(report))


def check(found: dict[str, Any], **expected: Any) -> None:
    """Check that the finding has these members."""
    assert {name: found[name] for name in expected} == expected
