"""What a draft would change in the source's repository: whole files, and one patch."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from app.drafts.diff import Change, Diff
from app.drafts.items import Fields, Key
from app.drafts.unified import FileChange, unified
from app.formats import Format, FormatError, Item, path_of, read, write
from app.ontology.kinds import Kind
from app.queries import draft_files
from app.queries.draft_files import File


class DraftFile(BaseModel):
    """A file that the draft would add, modify or delete; `content` is null where it is deleted."""

    path: str
    change: Literal["added", "modified", "deleted"]
    content: str | None


class Unwritable(BaseModel):
    """A change that the source's format cannot express; the other files are without it."""

    entity_type: Kind
    entity_id: str
    reason: str


class DraftFiles(BaseModel):
    """The files by path, and the same as one unified diff for `git apply`."""

    files: list[DraftFile]
    patch: str
    unwritable: list[Unwritable]


@dataclass(frozen=True)
class Sources:
    """What of the source's files is needed to write a draft's.

    `old` are the files of the items that change, `samples` some that tell the source's format.
    """

    old: Mapping[Key, File]
    samples: Sequence[File]


async def sources_of(session: AsyncSession, diff: Diff) -> Sources:
    """Read what `files_of` needs."""
    keys = [(change.entity_type, change.entity_id) for change in diff.all()]
    old = await draft_files.files_of(session, keys)
    new_files = any(key not in old for key in keys)
    return Sources(old, await _samples(session) if new_files else [])


async def _samples(session: AsyncSession) -> Sequence[File]:
    # In this order, because only categories and subobjects tell the two kinds of JSON apart.
    for kind in (Kind.CATEGORY, Kind.SUBOBJECT, Kind.PROPERTY):
        files = await draft_files.sample(session, kind)
        if files:
            return files
    return []


def files_of(diff: Diff, sources: Sources) -> DraftFiles:
    """Return what a diff comes to in the files of the source; the largest drafts take a second."""
    return render(diff.all(), sources.old, _prevailing(sources.samples))


def _prevailing(files: Sequence[File]) -> Format:
    """Return the format of most of the files; JSON B where there is none."""
    formats = Counter(read(*file).format for file in files).most_common(1)
    return formats[0][0] if formats else Format.JSON_B


def render(changes: Iterable[Change], old: Mapping[Key, File], form: Format) -> DraftFiles:
    """Return the changes as files; what has no file in `old` becomes one in the format `form`."""
    written: list[FileChange] = []
    unwritable: list[Unwritable] = []
    for change in changes:
        file = old.get((change.entity_type, change.entity_id))
        try:
            one = _written(change, file, form)
        except FormatError as error:
            kind, item_id = change.entity_type, change.entity_id
            fault = Unwritable(entity_type=kind, entity_id=item_id, reason=error.reason)
            unwritable.append(fault)
        else:
            # What differs in the hub may be the same in a file: C2 does not say "single".
            if one.old != one.new:
                written.append(one)
    written.sort(key=lambda one: one.path)
    return DraftFiles(
        files=[_described(one) for one in written], patch=unified(written), unwritable=unwritable
    )


def _written(change: Change, file: File | None, form: Format) -> FileChange:
    path, text = file or (None, None)
    if change.new is None:
        return FileChange(path or "", text, None)
    item = _item(change, change.new)
    if path is None:
        return FileChange(path_of(item, form), None, write(item, form))
    # Of a file that is there, only its kind is asked for; its spelling is kept.
    form = Format.WIKITEXT_C2 if path.endswith(".wikitext") else Format.JSON_B
    return FileChange(path, text, write(item, form, text))


def _item(change: Change, new: Fields) -> Item:
    named = change.entity_type, change.entity_id, new["label"], new["description"]
    if change.entity_type is Kind.MODULE:
        # A file may leave the dependencies to be derived: what the draft does not change stays so.
        kept = change.old is not None and change.old["dependencies"] == new["dependencies"]
        dependencies = None if kept else new["dependencies"]
        return Item(*named, category_ids=new["category_ids"], dependencies=dependencies)
    if change.entity_type is Kind.PROFILE:
        return Item(*named, module_ids=new["module_ids"])
    return Item(*named, definition=new["schema_definition"])


def _described(one: FileChange) -> DraftFile:
    change: Literal["added", "modified", "deleted"] = "modified"
    if one.old is None:
        change = "added"
    elif one.new is None:
        change = "deleted"
    return DraftFile(path=one.path, change=change, content=one.new)
