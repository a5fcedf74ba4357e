"""A backend that is read from over HTTP, and the rows that it reads."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self

import asyncpg  # type: ignore[import-untyped]  # it has none
import httpx
from sqlalchemy.engine import URL

from app.models import EntityType
from app.ontology.kinds import Kind
from app.ontology.normal import normalised
from tests.app.support import Backend, address

# More than any test asks for; what the limits do is tested by themselves.
UNLIMITED = {"LISTS_PER_MINUTE": "1000000", "READS_PER_MINUTE": "1000000"}


class Hub:
    """A running backend and its database; one connection each, kept open."""

    def __init__(self, url: URL, running: Backend) -> None:
        self._url = url
        self._client = httpx.Client(base_url=f"{running.url}/api/v1", timeout=20)
        self.root = running.url
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._connection = self._runner.run(asyncpg.connect(address(self._url), timeout=20))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()
        self._client.close()

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """Return the answer to a GET of the path below the API's prefix; follows no redirect."""
        return self._client.get(path, params=parameters or None)

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Return the answer to any request of the path below the API's prefix."""
        return self._client.request(method, path, headers=headers)

    def openapi(self) -> dict[str, Any]:
        """Return the application's own description."""
        document: dict[str, Any] = self._client.get(f"{self.root}/openapi.json").json()
        return document

    def json(self, path: str, **parameters: Any) -> Any:
        """Return the body of the answer, which has to be a 200."""
        answer = self.get(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sql(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """Run one statement as the database's owner."""
        found: list[asyncpg.Record] = self._runner.run(self._connection.fetch(query, *values))
        return found

    def clear(self) -> None:
        """Remove all rows."""
        self.sql("TRUNCATE entities, modules, profiles")

    def entity(
        self,
        kind: str,
        entity_id: str,
        definition: dict[str, Any] | None = None,
        *,
        label: str | None = None,
        description: str | None = None,
        deleted: bool = False,
        raw: bool = False,
    ) -> None:
        """Insert an entity; its definition in the normal form, or, if `raw`, as it is."""
        given = definition or {}
        stored = given if raw else normalised(Kind(kind), given)
        self.sql(
            "INSERT INTO entities (entity_type, entity_id, label, description, schema_definition,"
            " deleted_at) VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN now() END)",
            *(EntityType(kind), entity_id, entity_id if label is None else label, description),
            *(json.dumps(stored), deleted),
        )

    def category(self, entity_id: str, *parents: str, **more: Any) -> None:
        """Insert a category with these parents; `more` are further keys and `entity`'s options."""
        options = {key: more.pop(key) for key in ("label", "deleted", "raw") if key in more}
        parented = {"parents": list(parents)} if parents else {}
        self.entity("category", entity_id, {**parented, **more}, **options)

    def module(
        self, module_id: str, *categories: str, needs: tuple[str, ...] = (), **options: Any
    ) -> None:
        """Insert a module that holds these categories and needs these modules."""
        self.sql(
            "INSERT INTO modules (module_id, label, category_ids, dependencies, deleted_at)"
            " VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END)",
            *(module_id, options.get("label", module_id)),
            *(json.dumps(categories), json.dumps(needs), options.get("deleted", False)),
        )

    def profile(self, profile_id: str, *modules: str, **options: Any) -> None:
        """Insert a profile of these modules."""
        self.sql(
            "INSERT INTO profiles (profile_id, label, module_ids, deleted_at)"
            " VALUES ($1, $2, $3, CASE WHEN $4 THEN now() END)",
            *(profile_id, options.get("label", profile_id)),
            *(json.dumps(modules), options.get("deleted", False)),
        )

    def delete(self, table: str, row_id: str) -> None:
        """Mark the rows of this id as deleted; `table` is entities, modules or profiles."""
        self.sql(_DELETIONS[table], row_id)


_DELETIONS = {
    "entities": "UPDATE entities SET deleted_at = now() WHERE entity_id = $1",
    "modules": "UPDATE modules SET deleted_at = now() WHERE module_id = $1",
    "profiles": "UPDATE profiles SET deleted_at = now() WHERE profile_id = $1",
}


def ids(rows: list[dict[str, Any]], key: str = "entity_id") -> list[str]:
    """Return the rows' ids, in their order."""
    return [row[key] for row in rows]
