"""An invented ontology as a source to import: a folder of wikitext and JSON files, or a tarball."""

import json
import tarfile
from pathlib import Path
from typing import Any

from app.ontology.kinds import Kind
from bench.api.ontology import Ontology, Row

_LISTS = (
    "required_properties",
    "optional_properties",
    "required_subobjects",
    "optional_subobjects",
)


def write_folder(ontology: Ontology, folder: Path) -> Path:
    """Write a file for each entity, module and profile; return the folder."""
    for kind in Kind:
        (folder / _place(kind)).mkdir(parents=True)
    for row in ontology.entities():
        kind = Kind(row[0])
        file = folder / _place(kind) / f"{row[1]}.wikitext"
        file.write_text(_wikitext(kind, row), encoding="utf-8")
    for one, label, description, categories, needs in ontology.modules:
        lists = {"categories": json.loads(categories), "dependencies": json.loads(needs)}
        _write_json(folder, Kind.MODULE, one, label, description, lists)
    for one, label, description, modules in ontology.profiles:
        _write_json(folder, Kind.PROFILE, one, label, description, {"modules": json.loads(modules)})
    return folder


def write_tarball(folder: Path, target: Path) -> Path:
    """Pack the folder; return the tarball."""
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        archive.add(folder, "source")
    return target


def _place(kind: Kind) -> str:
    return "bundles" if kind is Kind.PROFILE else kind.plural


def _write_json(
    folder: Path, kind: Kind, one: str, label: str, description: str, lists: dict[str, Any]
) -> None:
    text = json.dumps({"id": one, "label": label, "description": description, **lists}, indent=2)
    (folder / _place(kind) / f"{one}.json").write_text(text + "\n", encoding="utf-8")


def _wikitext(kind: Kind, row: Row) -> str:
    _, _, label, description, text = row
    definition = json.loads(text)
    lines = [f"|has_description={description}"]
    if kind is Kind.PROPERTY:
        lines.append(f"|has_type={definition['datatype']}")
        if definition["cardinality"] == "multiple":
            lines.append("|allows_multiple_values=Yes")
        if allowed := definition.get("allowed_values"):
            lines.append(f"|allows_value={', '.join(allowed)}")
    lines.append(f"|display_label={label}")
    if parents := definition.get("parents"):
        lines.append(f"|has_parent_category={_ids(parents)}")
    for name in _LISTS:
        if items := definition.get(name):
            word = name.replace("properties", "property").replace("subobjects", "subobject")
            lines.append(f"|has_{word}={_ids(items)}")
    template = kind.value.capitalize()
    managed = "OntologySync-managed" + ("" if kind is Kind.CATEGORY else f"-{kind.value}")
    return "\n".join(
        [
            "<!-- OntologySync Start -->",
            f"{{{{{template}",
            *lines,
            "}}",
            "<!-- OntologySync End -->",
            f"[[Category:{managed}]]\n",
        ]
    )


def _ids(ids: list[str]) -> str:
    return ", ".join(one.replace("_", " ") for one in ids)
