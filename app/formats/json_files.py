"""JSON files of definitions, modules and profiles, in the spellings that sources have used."""

from collections.abc import Callable
from typing import Any

from app.formats.items import Format, FormatError, Item, check_id, check_label, id_of, name_of
from app.formats.json_text import ABSENT, edited, line_of_key, parse, rendered
from app.ontology.kinds import Kind
from app.ontology.normal import (
    OLD_VALUE_CATEGORY,
    PARTED,
    VALUE_CATEGORY,
    DefinitionError,
    normalised,
)

Document = dict[str, Any]
Line = Callable[[str], int]

# Each fact's keys; a file is read by the first that it has, and keeps it when it is written.
_ID = ("id", "@id")
_LABEL = ("label", "name")
_DESCRIPTION = ("description", "comment")
_CATEGORIES = ("categories", "categoryIds")
_DEPENDENCIES = ("dependencies", "requires")
_MODULES = ("modules", "moduleIds")

_CORE = {"id", "label", "description"}
# The order of a new file's keys; all others follow as they come.
_ORDER = ("datatype", "cardinality", "allowed_values", VALUE_CATEGORY)


def read_json(kind: Kind, stem: str, text: str) -> tuple[Format, Item, Document]:
    """Return what a file says, and its document; `stem` is the file's name without extensions.

    Raises FormatError.
    """
    document = parse(text)

    def line(key: str) -> int:
        return line_of_key(text, key)

    if _is_vocabulary(kind, document):
        return Format.VOCABULARY, _vocabulary(stem, document, line), document
    return _format(kind, document), _item(kind, document, line), document


def write_json(item: Item, form: Format, old_text: str | None) -> str:
    """Return the item's file: a new one, or the old one with what the item changes."""
    if old_text is None:
        return rendered(_spelt(item, {}, form))
    document = parse(old_text)
    old = read_json(item.kind, item.item_id, old_text)[1]
    spell = _spelt_vocabulary if _is_vocabulary(item.kind, document) else _spelt
    before, after = spell(old, document, form), spell(item, document, form)
    changes = {key: value for key, value in after.items() if before.get(key, ABSENT) != value}
    changes |= dict.fromkeys(before.keys() - after.keys(), ABSENT)
    return edited(old_text, changes)


def _format(kind: Kind, document: Document) -> Format:
    parts = PARTED.get(kind, ())
    plain = any(part in document for part in parts)
    split = any(f"{half}_{part}" in document for part in parts for half in ("required", "optional"))
    return Format.JSON_A if "parent" in document or (plain and not split) else Format.JSON_B


def _item(kind: Kind, document: Document, line: Line) -> Item:
    key = _used(document, _ID)
    item_id = check_id(_text(document, key, line), line(key))
    label_key = _used(document, _LABEL)
    label = check_label(_text(document, label_key, line) or item_id, line(label_key))
    description_key = _used(document, _DESCRIPTION)
    description = _text(document, description_key, line) or None
    if kind is Kind.MODULE:
        return Item(
            kind,
            item_id,
            label,
            description,
            category_ids=_ids(document, _CATEGORIES, line) or [],
            dependencies=_ids(document, _DEPENDENCIES, line),
        )
    if kind is Kind.PROFILE:
        modules = _ids(document, _MODULES, line) or []
        return Item(kind, item_id, label, description, module_ids=modules)
    used = {*_CORE, key, label_key, description_key}
    definition = {"id": item_id, "label": label, "description": description} | {
        name: value for name, value in document.items() if name not in used
    }
    try:
        definition = normalised(kind, definition)
    except DefinitionError as error:
        fault = str(error)
        raise FormatError(line(fault.split("`")[1]), fault) from None
    return Item(kind, item_id, label, description, definition)


def _is_vocabulary(kind: Kind, document: Document) -> bool:
    listed = any(key in document for key in _CATEGORIES)
    return kind is Kind.MODULE and "import" in document and not listed


def _vocabulary(stem: str, document: Document, line: Line) -> Item:
    named = {"id": stem, "label": name_of(stem)} | {
        key: value for key, value in document.items() if key != "import"
    }
    own = [entry for entry in _entries(document, line) if _is_own_category(entry)]
    categories = list(dict.fromkeys(_page(entry) for entry in own))
    return _item(Kind.MODULE, {**named, "categories": categories}, line)


def _entries(document: Document, line: Line) -> list[Document]:
    entries = document.get("import")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FormatError(line("import"), "`import` must be a list of pages to import")
    return entries


def _is_own_category(entry: Document) -> bool:
    """Whether the module is meant to hold the category, which has not come in by inheritance."""
    options = entry.get("options")
    automatic = isinstance(options, dict) and options.get("auto_included") is True
    named = entry.get("namespace") == "NS_CATEGORY" and isinstance(entry.get("page"), str)
    return named and not automatic


def _page(entry: Document) -> str:
    return id_of(entry["page"])


def _spelt_vocabulary(item: Item, old: Document, form: Format) -> Document:
    """Return the item's keys in a vocabulary's spelling."""
    document = _spelt(item, old, form)
    wanted = document.pop(_present(old, _CATEGORIES))
    entries = _entries(old, lambda key: 1)
    kept = [entry for entry in entries if not _is_own_category(entry) or _page(entry) in wanted]
    there = {_page(entry) for entry in kept if _is_own_category(entry)}
    new = [
        {
            "page": name_of(one),
            "namespace": "NS_CATEGORY",
            "contents": {"importFrom": f"categories/{one}.wikitext"},
            "options": {"replaceable": True},
        }
        for one in wanted
        if one not in there
    ]
    # A category that had come in by inheritance is not imported twice.
    named = {entry["page"] for entry in new}
    kept = [
        entry
        for entry in kept
        if entry.get("namespace") != "NS_CATEGORY" or entry.get("page") not in named
    ]
    return {**document, "import": kept + new}


def _spelt(item: Item, old: Document, form: Format) -> Document:
    """Return the item's keys as the old document spells them or, where it is silent, the format."""
    document: Document = {_used(old, _ID): item.item_id, _used(old, _LABEL): item.label}
    if item.description is not None:
        document[_used(old, _DESCRIPTION)] = item.description
    if item.kind is Kind.MODULE:
        document[_present(old, _CATEGORIES)] = item.category_ids
        dependencies = item.dependencies
        if dependencies is None:
            dependencies = old.get(_present(old, _DEPENDENCIES))
        if dependencies is not None:
            document[_present(old, _DEPENDENCIES)] = dependencies
        return document
    if item.kind is Kind.PROFILE:
        document[_present(old, _MODULES)] = item.module_ids
        return document
    rest = {key: value for key, value in item.definition.items() if key not in _CORE}
    if item.kind is Kind.CATEGORY:
        document |= _spelt_parents(rest, old, form)
    for part in PARTED.get(item.kind, ()):
        document |= _spelt_part(rest, part, old, form)
    for key in (*_ORDER, *rest):
        if key in rest:
            name, value = _spelt_member(key, rest[key], old)
            document[name] = value
    return document


def _spelt_parents(rest: Document, old: Document, form: Format) -> Document:
    parents = rest.pop("parents")
    first = rest.pop("parent")
    single = "parent" in old or ("parents" not in old and form is Format.JSON_A)
    several = "parents" in old or not single or len(parents) > 1
    spelt: Document = {"parent": first} if single else {}
    return spelt | ({"parents": parents} if several and parents else {})


def _spelt_part(rest: Document, part: str, old: Document, form: Format) -> Document:
    halves = [f"required_{part}", f"optional_{part}"]
    values = {half: rest.pop(half) for half in halves}
    both = rest.pop(part)
    split = any(half in old for half in halves)
    plain = part in old or (not split and form is Format.JSON_A)
    if plain and not split and not values[halves[0]]:
        return {part: both}
    spelt = {half: ids for half, ids in values.items() if ids}
    return spelt | ({part: both} if plain else {})


def _spelt_member(key: str, value: Any, old: Document) -> tuple[str, Any]:
    if key == VALUE_CATEGORY and key not in old:
        if isinstance(old.get(OLD_VALUE_CATEGORY), str):
            return OLD_VALUE_CATEGORY, value
        if isinstance(old.get("allowed_values"), dict):
            return "allowed_values", {"from_category": value}
    return key, value


def _used(document: Document, keys: tuple[str, str]) -> str:
    """Return the key that says it: an empty value says nothing."""
    return keys[1] if not document.get(keys[0]) and document.get(keys[1]) else keys[0]


def _present(document: Document, keys: tuple[str, str]) -> str:
    return keys[1] if document.get(keys[0]) is None and keys[1] in document else keys[0]


def _text(document: Document, key: str, line: Line) -> str:
    value = document.get(key)
    if value is None:
        if key == _ID[0]:
            raise FormatError(1, "it has no `id`")
        return ""
    if not isinstance(value, str):
        raise FormatError(line(key), f"`{key}` must be a text")
    return value


def _ids(document: Document, keys: tuple[str, str], line: Line) -> list[str] | None:
    key = _present(document, keys)
    value = document.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise FormatError(line(key), f"`{key}` must be a list of ids")
    return list(dict.fromkeys(value))
