"""Turns a source's files into rows of the staging table, one at a time."""

import json
from collections.abc import Iterator
from typing import Any

from app.formats import FormatError, SourceFile, decode, parts_of, read
from app.formats.items import id_of
from app.formats.json_text import BOM
from app.formats.positions import line_of_id
from app.importer.sources import Found, Source
from app.importer.summary import Problem, Summary
from app.ontology.kinds import Kind


class Rows:
    """The rows of a source's files (app.queries.imports), as they are read.

    What is wrong with a file goes into the summary. `read` and `unread` count the files;
    `without_dependencies` is whether a module does not say what it depends on.
    """

    def __init__(self, source: Source, summary: Summary) -> None:
        self._source = source
        self._summary = summary
        self.read = 0
        self.unread = 0
        self.without_dependencies = False

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for found in self._source.files():
            try:
                if found.data is None:
                    raise FormatError(1, found.fault)
                file = read(found.path, decode(found.data))
            except FormatError as error:
                yield self._unread_row(found, error)
            else:
                yield self._row(file)

    def _row(self, file: SourceFile) -> tuple[Any, ...]:
        self.read += 1
        item = file.item
        stem = id_of(parts_of(file.path)[1])
        if stem != item.item_id:
            line = line_of_id(file.path, file.text)
            reason = f"the id is {item.item_id}, but the file is named {stem}"
            self._summary.warnings.add(Problem(file.path, line, reason))
        body: Any = item.definition
        dependencies = None
        if item.kind is Kind.MODULE:
            body = item.category_ids
            if item.dependencies is None:
                self.without_dependencies = True
            else:
                dependencies = _json(item.dependencies)
        elif item.kind is Kind.PROFILE:
            body = item.module_ids
        return (
            self.read,
            item.kind.value,
            item.item_id,
            item.label,
            item.description,
            _json(body),
            dependencies,
            file.path,
            file.text,
            # The text itself: jsonb keeps numbers that Python would round.
            None if file.format.is_wikitext else file.text.removeprefix(BOM),
            stem == item.item_id,
        )

    def _unread_row(self, found: Found, error: FormatError) -> tuple[Any, ...]:
        self.unread += 1
        self._summary.errors.add(Problem(found.path, error.line, error.reason))
        kind, stem, _ = parts_of(found.path)
        return (None, kind.value, id_of(stem), None, None, None, None, found.path, None, None, None)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
