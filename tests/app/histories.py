"""What the tests of the histories have in common: made-up pasts, and how to read a diff."""

import asyncio
import importlib
import json
from collections.abc import Awaitable, Mapping
from types import TracebackType
from typing import Any, Self

import pytest
from sqlalchemy.engine import URL

from app.ontology.kinds import KIND_OF_FOLDER
from app.versions.history import History
from app.versions.snapshot_history import SnapshotHistory
from tests.app.repositories import written
from tests.app.support import address, settings

_SNAPSHOT = "INSERT INTO snapshots (name, commit_sha) VALUES ($1, $2) RETURNING id"
_GONE = "UPDATE snapshot_files SET removed_in = $1 WHERE removed_in IS NULL AND path = ANY($2)"
_ADDED = """
INSERT INTO snapshot_files (kind, item_id, path, content, document, added_in)
VALUES ($1, $2, $3, $4, $4::text::jsonb, $5)
"""


class Snapshots:
    """The snapshots in a database, written as the importer writes them."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._settings = settings(url)
        self._runner = asyncio.Runner()
        self._current: Mapping[str, Any] = {}

    def __enter__(self) -> Self:
        # app.database has the settings read for the process that imports it.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", address(self._url))
            database = importlib.import_module("app.database")
        self._runner.__enter__()
        self._pool = database.read_pool(self._settings)
        self._runner.run(self._pool.__aenter__())
        reader = database.Reader(self._pool)
        self.history: History = SnapshotHistory(reader)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._pool.close())
        self._runner.__exit__(kind, error, trace)

    def add(
        self, files: Mapping[str, Any], name: str | None = None, commit: str | None = None
    ) -> None:
        """Let the source hold these files (path to document, or JSON text) from now on."""
        self._runner.run(self._add(files, name, commit))

    def versions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._runner.run(_text(self.history.versions())))
        return found

    def diff(self, old: str, new: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._runner.run(_text(self.history.diff(old, new))))
        return found

    async def _add(self, files: Mapping[str, Any], name: str | None, commit: str | None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION READ WRITE")
            number = await connection.fetchval(_SNAPSHOT, name, commit)
            texts = {path: written(content) for path, content in files.items()}
            gone = [path for path, text in self._current.items() if texts.get(path) != text]
            await connection.execute(_GONE, number, gone)
            for path in texts.keys() - (self._current.keys() - gone):
                folder, _, file = path.partition("/")
                item = (KIND_OF_FOLDER[folder], file.rpartition(".")[0], path)
                await connection.execute(_ADDED, *item, texts[path], number)
            self._current = texts


async def _text(answer: Awaitable[str]) -> str:
    return await answer


def document(name: str, **fields: Any) -> dict[str, Any]:
    """Return a small definition."""
    return {"id": name, "label": name.replace("_", " "), "description": f"The {name}.", **fields}


def files(*keys: str, **fields: Any) -> dict[str, Any]:
    """Return JSON files such as categories/Person, each with these fields."""
    return {f"{key}.json": document(key.rpartition("/")[2], **fields) for key in keys}


def changed(answer: dict[str, Any]) -> dict[str, set[str]]:
    """Return the keys of a diff's changes, by what has happened to them; checks their form."""
    found: dict[str, set[str]] = {}
    for entity_type, lists in _kinds(answer).items():
        for what, changes in lists.items():
            keys = [change["key"] for change in changes]
            assert keys == sorted(keys)
            for change in changes:
                folder, _, name = change["key"].partition("/")
                assert KIND_OF_FOLDER[folder].plural == change["entity_type"] == entity_type
                assert change["entity_id"] == name
                assert (change["old"] is None) == (what == "added")
                assert (change["new"] is None) == (what == "deleted")
            if keys:
                found.setdefault(what, set()).update(keys)
    return found


def mirrored(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the diff that leads back."""

    def back(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**change, "old": change["new"], "new": change["old"]} for change in changes]

    kinds = {
        kind: {
            "added": back(lists["deleted"]),
            "modified": back(lists["modified"]),
            "deleted": back(lists["added"]),
        }
        for kind, lists in _kinds(answer).items()
    }
    return {"old_version": answer["new_version"], "new_version": answer["old_version"], **kinds}


def applied(answer: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Return what the files (by key) say after the diff."""
    new = dict(old)
    for lists in _kinds(answer).values():
        for change in lists["added"] + lists["modified"] + lists["deleted"]:
            assert new.pop(change["key"], None) == change["old"]
            if change["new"] is not None:
                new[change["key"]] = change["new"]
    return new


def _kinds(answer: dict[str, Any]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    kinds = {key: value for key, value in answer.items() if not key.endswith("_version")}
    assert list(kinds) == ["categories", "properties", "subobjects", "modules", "profiles"]
    return kinds
