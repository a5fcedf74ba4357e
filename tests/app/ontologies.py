"""Small invented ontologies of every format, and what the tests do with them."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none
from sqlalchemy.engine import URL

from app.formats import SourceFile, decode, is_item_path, read
from app.importer.load import import_source
from app.importer.summary import Summary
from tests.app.support import address, settings

FOLDER = Path(__file__).with_name("fixtures") / "ontologies"
# The same ontology in all; only JSON_A says less, and names its properties in lower case.
JSON_A = FOLDER / "apiary-json-a"
JSON_B = FOLDER / "apiary-json-b"
WIKITEXT_C1 = FOLDER / "apiary-wikitext-c1"
WIKITEXT_C2 = FOLDER / "apiary-wikitext-c2"
ALL = (JSON_A, JSON_B, WIKITEXT_C1, WIKITEXT_C2)


# Texts, bytes or JSON documents by their paths.
Files = dict[str, str | bytes | dict[str, Any]]


def files_of(root: Path) -> list[SourceFile]:
    """Return all definitions, modules and profiles of a folder, read."""
    paths = sorted(path for path in root.glob("*/*") if path.is_file())
    named = [(path.relative_to(root).as_posix(), path) for path in paths]
    return [read(name, decode(path.read_bytes())) for name, path in named if is_item_path(name)]


def write_files(root: Path, files: Mapping[str, str | bytes | dict[str, Any]]) -> Path:
    """Write files, given by their paths, below `root`; a dict becomes JSON. Returns `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def category(item_id: str, **more: Any) -> dict[str, Any]:
    """Return a small category's file."""
    return {"id": item_id, "label": item_id, "description": f"{item_id}.", **more}


def edit(path: Path, **members: Any) -> None:
    """Set members of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


def run_import(url: URL, path: Path, **options: Any) -> Summary:
    """Import, in this process, as whom the URL names."""
    return asyncio.run(import_source(settings(url), path, **options))


def totals(summary: Summary) -> dict[str, int]:
    """Return how many items of all kinds were added, changed and so on, without the zeros."""
    document = summary.document()
    actions = ("added", "changed", "revived", "removed", "unchanged")
    return {action: document[action] for action in actions if document[action]}


def state(
    url: URL, system_columns: str = "ctid::text, xmin::text, xmax::text"
) -> dict[str, list[dict[str, Any]]]:
    """Return every row that imports write, with where it stands and which transaction wrote it."""

    async def rows() -> dict[str, list[dict[str, Any]]]:
        connection = await asyncpg.connect(address(url), timeout=20)
        try:
            found = {}
            for table in ("entities", "modules", "profiles", "snapshots", "snapshot_files"):
                query = f"SELECT {system_columns}, * FROM {table} ORDER BY id"  # noqa: S608
                found[table] = [dict(row) for row in await connection.fetch(query)]
            return found
        finally:
            await connection.close()

    return asyncio.run(rows())
