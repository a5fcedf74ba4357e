"""Wikitext definitions: annotations (C1) or one template call (C2), read and written."""

import re
from collections.abc import Iterable
from typing import Any

from app.formats.items import (
    Format,
    FormatError,
    Item,
    check_id,
    check_label,
    id_of,
    name_of,
)
from app.formats.json_text import BOM
from app.formats.parameters import PARAMETERS, RESERVED, Parameter, Shape
from app.formats.wikitext_block import END, START, Block, Entry, parse_block
from app.formats.wikitext_calls import stays_whole
from app.ontology.kinds import Kind
from app.ontology.normal import normalised

_TEMPLATES = {Kind.CATEGORY: "Category", Kind.PROPERTY: "Property", Kind.SUBOBJECT: "Subobject"}
_FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_NUMBER = re.compile(r"-?[0-9]{1,9}")


def read_wikitext(kind: Kind, stem: str, text: str) -> tuple[Format, Item]:
    """Return what a file says; `stem` is the file's name without extension. Raises FormatError."""
    if kind not in PARAMETERS:
        raise FormatError(1, f"{kind.plural} are JSON files, not wikitext")
    block = parse_block(text)
    template = _TEMPLATES[kind]
    if block.form is Format.WIKITEXT_C2 and block.template != template:
        reason = f"a `{block.template[:80]}` stands where a `{template}` belongs"
        raise FormatError(block.top, reason)
    return block.form, _item(kind, stem, block)


def write_wikitext(item: Item, form: Format, old_text: str | None) -> str:
    """Return the item's file: a new one, or the old one with what the item changes."""
    if old_text is None:
        lines = _lines(_spelt(item, form), form)
        template = [f"{{{{{_TEMPLATES[item.kind]}", *lines, "}}"]
        managed = "" if item.kind is Kind.CATEGORY else f"-{item.kind.value}"
        body = template if form is Format.WIKITEXT_C2 else lines
        return "\n".join([START, *body, END, f"[[Category:OntologySync-managed{managed}]]", ""])
    block = parse_block(old_text)
    before = _spelt(_item(item.kind, item.item_id, block), block.form)
    after = _spelt(item, block.form)
    changed = {
        name: after.get(name, [])
        for name in (*before, *after)
        if before.get(name) != after.get(name)
    }
    bom = BOM if old_text.startswith(BOM) else ""
    return bom + "\n".join(_edited(block, changed, [*PARAMETERS[item.kind], *after]))


def _item(kind: Kind, stem: str, block: Block) -> Item:
    item_id = check_id(id_of(stem), lambda: 1, "the file's name")
    found = _by_name(entry for entry in block.entries if entry.value)
    table = PARAMETERS[kind]
    definition: dict[str, Any] = {"id": item_id, "label": name_of(item_id), "description": None}
    if kind is Kind.PROPERTY:
        definition["cardinality"] = "single"
    for name, entries in found.items():
        parameter = table.get(name)
        if parameter is None:
            definition[_unknown(name, entries, template=_TEMPLATES[kind])] = _texts(entries)
        elif len(entries) > 1 and not parameter.shape.is_list:
            raise FormatError(entries[1].line, f"`{name}` stands twice")
        else:
            split = block.form is Format.WIKITEXT_C2
            definition[parameter.key] = _value(name, parameter, entries, split=split)
    label = check_label(definition["label"], lambda: found["display_label"][0].line)
    return Item(kind, item_id, label, definition["description"], normalised(kind, definition))


def _by_name(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.name, []).append(entry)
    return found


def _unknown(name: str, entries: list[Entry], template: str) -> str:
    if name in RESERVED:
        raise FormatError(entries[0].line, f"`{name}` is no parameter of a {template}")
    return name


def _texts(entries: list[Entry]) -> str | list[str]:
    return entries[0].value if len(entries) == 1 else [entry.value for entry in entries]


def _value(name: str, parameter: Parameter, entries: list[Entry], *, split: bool) -> Any:
    first = entries[0]
    if parameter.shape.is_list:
        texts = first.value.split(",") if split else [entry.value for entry in entries]
        texts = [text.strip() for text in texts if text.strip()]
        if parameter.shape is Shape.IDS:
            texts = [_reference(text, parameter) for text in texts]
        return list(dict.fromkeys(texts))
    if parameter.shape is Shape.ID:
        return _reference(first.value, parameter)
    if parameter.shape is Shape.NUMBER:
        if not _NUMBER.fullmatch(first.value):
            raise FormatError(first.line, f"`{name}` must be a whole number of at most 9 digits")
        return int(first.value)
    if parameter.shape is Shape.TEXT:
        return first.value
    flag = _FLAGS.get(first.value.lower())
    if flag is None:
        raise FormatError(first.line, f"`{name}` must be Yes or No")
    if parameter.shape is Shape.CARDINALITY:
        return "multiple" if flag else "single"
    return flag


def _reference(text: str, parameter: Parameter) -> str:
    return id_of(text.removeprefix(f"{parameter.namespace}:"))


def _spelt(item: Item, form: Format) -> dict[str, list[str]]:
    """Return the values of the item's parameters: one each, or in C1 one for each line."""
    table = PARAMETERS[item.kind]
    spelt: dict[str, list[str]] = {}
    for name, parameter in table.items():
        value = item.definition.get(parameter.key)
        default = item.kind is Kind.CATEGORY and value == name_of(item.item_id)
        if value is None or (name == "display_label" and default):
            continue
        texts = _value_texts(parameter, value, form)
        if form is Format.WIKITEXT_C2 and texts:
            texts = [", ".join(texts)]
        if texts:
            spelt[name] = texts
    for key, value in item.definition.items():
        if key not in RESERVED:
            texts = value if isinstance(value, list) else [value]
            if not all(isinstance(text, str) for text in texts):
                raise FormatError(1, f"`{key}` cannot be written in wikitext: it is no text")
            spelt[key] = texts
    return spelt


def _value_texts(parameter: Parameter, value: Any, form: Format) -> list[str]:
    shape = parameter.shape
    prefix = f"{parameter.namespace}:" if form is Format.WIKITEXT_C1 and parameter.namespace else ""
    if shape is Shape.CARDINALITY and value in ("single", "multiple"):
        return _value_texts(Parameter(parameter.key, Shape.FLAG), value == "multiple", form)
    if shape is Shape.FLAG and isinstance(value, bool):
        return [{Format.WIKITEXT_C1: "true"}.get(form, "Yes")] if value else []
    if shape is Shape.NUMBER and type(value) is int:
        return [str(value)]
    texts = value if shape.is_list else [value]
    written = shape in (Shape.TEXT, Shape.ID) or shape.is_list
    if not written or not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise FormatError(1, f"`{parameter.key}` cannot be written in wikitext: {value!r:.80}")
    if shape in (Shape.ID, Shape.IDS):
        return [prefix + name_of(text) for text in texts]
    return texts


def _lines(spelt: dict[str, list[str]], form: Format) -> list[str]:
    return [line for name, texts in spelt.items() for line in _entry_lines(name, texts, form)]


def _entry_lines(name: str, texts: list[str], form: Format) -> list[str]:
    if form is Format.WIKITEXT_C2:
        if not all(stays_whole(text) for text in texts):
            reason = (
                f"`{name}` cannot be written in wikitext: it has a `|` outside a link or template"
                " call, or brackets without their counterparts"
            )
            raise FormatError(1, reason)
        return [line for text in texts for line in f"|{name}={text}".split("\n")]
    title = name[:1].upper() + name[1:].replace("_", " ")
    return [f"[[{title}::{text}]]" for text in texts]


def _edited(block: Block, changed: dict[str, list[str]], order: list[str]) -> list[str]:
    """Return the lines with these parameters set, added or (no values) taken out."""
    ending = "\r" if block.lines[0].endswith("\r") else ""
    inserted: dict[int, list[str]] = {}
    dropped: set[int] = set()
    anchor = block.top
    found = _by_name(block.entries)
    for name in dict.fromkeys([*order, *changed]):
        entries = found.get(name, [])
        if name in changed:
            kept = {entry.value: block.lines[entry.first] for entry in entries}
            repeated = block.form is Format.WIKITEXT_C1
            new = [
                kept[text] if repeated and text in kept else line + ending
                for text in changed[name]
                for line in _entry_lines(name, [text], block.form)
            ]
            place = entries[0].first if entries else anchor
            inserted.setdefault(place, []).extend(new)
            dropped.update(*(range(entry.first, entry.end) for entry in entries))
        if entries:
            anchor = entries[-1].end
    lines: list[str] = []
    for index, line in enumerate(block.lines):
        lines += inserted.get(index, [])
        if index not in dropped:
            lines.append(line)
    return lines + inserted.get(len(block.lines), [])
