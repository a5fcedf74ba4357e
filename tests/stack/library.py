"""A small ontology for a stack to import."""

import json
from pathlib import Path
from typing import Any

LIBRARY: dict[str, dict[str, Any]] = {
    "categories/Work": {"required_properties": ["Has_title"]},
    "categories/Book": {"parents": ["Work"], "optional_properties": ["Has_pages"]},
    "properties/Has_title": {"datatype": "Text", "cardinality": "single"},
    "properties/Has_pages": {"datatype": "Number", "cardinality": "single"},
    "modules/Books": {"version": "1.0.0", "categories": ["Book"]},
    "bundles/Library": {"version": "1.0.0", "modules": ["Books"]},
}


def write(folder: Path, name: str, **changes: Any) -> None:
    """Write one file of the library into `folder`, readable for all whatever the umask is."""
    ident = name.split("/")[1]
    said = {"id": ident, "label": ident, "description": f"{ident} of a library"}
    file = folder / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**said, **LIBRARY[name], **changes}))
    for path in (folder, file.parent, file):
        path.chmod(0o644 if path == file else 0o755)


def library(parent: Path) -> Path:
    """Write the whole library into a new folder of `parent` and return it."""
    folder = parent / "library"
    for name in LIBRARY:
        write(folder, name)
    return folder
