"""Finds out what a file is, and has it read or written."""

from dataclasses import replace
from typing import Any

from app.formats.items import Format, FormatError, Item, SourceFile
from app.formats.json_files import read_json, write_json
from app.formats.wikitext import read_wikitext, write_wikitext
from app.ontology.kinds import KIND_OF_FOLDER, Kind
from app.ontology.normal import DefinitionError, normalised

# The longest first: the second is the end of the first.
EXTENSIONS = (".vocab.json", ".json", ".wikitext")


def decode(data: bytes) -> str:
    """Return a file's exact text; raises FormatError for what is no text that can be stored."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(line, "this is no UTF-8 text") from None
    if "\0" in text:
        raise FormatError(text.count("\n", 0, text.index("\0")) + 1, "a NUL character stands here")
    return text


def read(path: str, text: str) -> SourceFile:
    """Return what the file at `path`, such as categories/Person.json, says.

    Raises FormatError, also where the path is not that of a definition, module or profile.
    """
    kind, stem, extension = parts_of(path)
    form, item, document = _read(kind, stem, text, wikitext=extension == ".wikitext")
    return SourceFile(path, text, form, item, document)


def write(item: Item, form: Format, old_text: str | None = None) -> str:
    """Return the text of the item's file.

    With `old_text`, the file's text until now, only what the item changes is changed; the file
    keeps its own spelling, and `form` says no more than whether it is JSON or wikitext. Without,
    it is a new file in that format. The item's definition is taken as whole: a key that it lacks
    is taken out of the file. A module whose dependencies are None keeps what its file says.

    Reading the text gives the item back. Where that is impossible (a list in C2 cannot hold a value
    with a comma), FormatError says why.
    """
    wikitext = form.is_wikitext and item.kind not in (Kind.MODULE, Kind.PROFILE)
    item = _completed(item, wikitext=wikitext)
    text = write_wikitext(item, form, old_text) if wikitext else write_json(item, form, old_text)
    try:
        read_back = _read(item.kind, item.item_id, text, wikitext=wikitext)[1]
    except FormatError as error:
        raise FormatError(1, f"it cannot be written as {form.value}: {error.reason}") from None
    if item.dependencies is None:
        item = replace(item, dependencies=read_back.dependencies)
    if read_back != item:
        raise FormatError(1, _difference(item, read_back, form))
    return text


def path_of(item: Item, form: Format) -> str:
    """Return the path of a new file of the item."""
    wikitext = form.is_wikitext and item.kind not in (Kind.MODULE, Kind.PROFILE)
    folder = item.kind.plural
    if item.kind is Kind.PROFILE and form is not Format.JSON_A:
        folder = "bundles"
    return f"{folder}/{item.item_id}{'.wikitext' if wikitext else '.json'}"


def is_item_path(path: str) -> bool:
    """Whether a file of this path in a source holds a definition, a module or a profile."""
    folder, _, name = path.partition("/")
    return (
        folder in KIND_OF_FOLDER
        and name.endswith(EXTENSIONS)
        and "/" not in name
        and name[0] != "."
        and name != "_schema.json"
    )


def parts_of(path: str) -> tuple[Kind, str, str]:
    """Return the kind, the file's name without its extension, and the extension.

    Raises FormatError where it is not the path of a definition, module or profile.
    """
    if not is_item_path(path):
        raise FormatError(1, "this is not the path of a definition, module or profile")
    folder, _, name = path.partition("/")
    for extension in EXTENSIONS:
        if name.endswith(extension):
            break
    return KIND_OF_FOLDER[folder], name.removesuffix(extension), extension


def _read(
    kind: Kind, stem: str, text: str, *, wikitext: bool
) -> tuple[Format, Item, dict[str, Any]]:
    if wikitext:
        form, item = read_wikitext(kind, stem, text)
        return form, item, item.definition
    return read_json(kind, stem, text)


def _completed(item: Item, *, wikitext: bool) -> Item:
    """Return the item as reading gives it, in so far as that says the same in other words."""
    label, description = item.label, item.description
    definition = dict(item.definition)
    if wikitext:
        # Wikitext says that there is nothing by saying nothing, and has no space around a value.
        label, description = label.strip(), (description or "").strip()
        definition = {key: value for key, value in definition.items() if not _says_nothing(value)}
        if item.kind is Kind.PROPERTY:
            definition.setdefault("cardinality", "single")
    label, description = label or item.item_id, description or None
    core = {"id": item.item_id, "label": label, "description": description}
    try:
        definition = normalised(item.kind, {**definition, **core})
    except DefinitionError as error:
        raise FormatError(1, str(error)) from None
    kept = {} if item.kind in (Kind.MODULE, Kind.PROFILE) else definition
    return replace(item, label=label, description=description, definition=kept)


def _says_nothing(value: Any) -> bool:
    return value is None or value is False or value in ("", [])


def _difference(item: Item, read_back: Item, form: Format) -> str:
    keys = [
        name
        for name in (
            "item_id",
            "label",
            "description",
            "category_ids",
            "dependencies",
            "module_ids",
        )
        if getattr(item, name) != getattr(read_back, name)
    ]
    keys += [
        key
        for key in {**item.definition, **read_back.definition}
        if item.definition.get(key) != read_back.definition.get(key)
    ]
    return f"`{keys[0]}` cannot be written as {form.value}: it would be read as something else"
