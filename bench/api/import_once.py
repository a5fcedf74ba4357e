"""`python -m bench.api.import_once importer|copy PATH`: one import, in a process of its own.

It prints its seconds, without the start of Python, and the most memory that the process has had.
`copy` is what the importer is measured against: it parses the same files with the same parser and
copies the rows into empty tables. It compares nothing, checks nothing and finds nothing missing.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.config import get_settings
from app.importer.load import import_source, open_source
from app.importer.staging import Rows
from app.importer.summary import Summary
from app.ontology.kinds import Kind
from app.queries.imports import COLUMNS

_ENTITY_KINDS = (Kind.CATEGORY, Kind.PROPERTY, Kind.SUBOBJECT)


async def _importer(path: Path) -> int:
    summary = await import_source(get_settings(), path)
    return summary.files_processed


async def _copy(path: Path) -> int:
    source = open_source(path)
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in Rows(source, Summary())]
    source.close()
    tables: dict[str, list[dict[str, Any]]] = {
        "entities": [
            _labelled(row, "entity_id")
            | {"entity_type": row["kind"], "schema_definition": row["body"]}
            for row in rows
            if row["kind"] in _ENTITY_KINDS
        ],
        "modules": [
            _labelled(row, "module_id")
            | {"category_ids": row["body"], "dependencies": row["dependencies"] or "[]"}
            for row in rows
            if row["kind"] == Kind.MODULE
        ],
        "profiles": [
            _labelled(row, "profile_id") | {"module_ids": row["body"]}
            for row in rows
            if row["kind"] == Kind.PROFILE
        ],
        "snapshots": [{"id": 1}],
        "snapshot_files": [
            {name: row[name] for name in ("kind", "item_id", "path", "content")}
            | {"document": row["document"] or row["body"], "added_in": 1}
            for row in rows
        ],
    }
    connection = await get_settings().connect("ontology-hub bench")
    try:
        async with connection.transaction():
            for table, records in tables.items():
                if records:
                    await connection.copy_records_to_table(
                        table,
                        columns=list(records[0]),
                        records=(tuple(record.values()) for record in records),
                    )
    finally:
        await connection.close()
    return len(rows)


def _labelled(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: row["item_id"], "label": row["label"], "description": row["description"]}


_WAYS: dict[str, Callable[[Path], Awaitable[int]]] = {"importer": _importer, "copy": _copy}


async def _run(way: str, path: Path) -> None:
    started = time.perf_counter()
    files = await _WAYS[way](path)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mib": _peak_mib(), "files": files}))


def _peak_mib() -> float:
    # Not getrusage's ru_maxrss: that begins with the memory of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], Path(sys.argv[2])))
