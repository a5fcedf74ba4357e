"""What the changes of a draft mean for those who use the ontology."""

from collections.abc import Iterator, Sequence
from typing import Any

from app.drafts.diff import Change, Diff
from app.drafts.report import Finding, Semver, Severity
from app.ontology.kinds import Kind

_SHOWN = 50

_ENTITIES = (Kind.CATEGORY, Kind.PROPERTY, Kind.SUBOBJECT)

_SEVERITY = {
    Semver.MAJOR: Severity.WARNING,
    Semver.MINOR: Severity.INFO,
    Semver.PATCH: Severity.INFO,
}


def change_findings(diff: Diff) -> Iterator[Finding]:
    """Yield what each change means, kind by kind: added, modified, deleted."""
    for kind in Kind:
        changes = diff.of(kind)
        if kind in _ENTITIES:
            for change in changes.added:
                yield _finding(change, "ENTITY_ADDED", Semver.MINOR, "is new")
        for change in changes.modified:
            yield from _modified(change)
        for change in changes.deleted:
            yield _finding(change, "ENTITY_REMOVED", Semver.MAJOR, "is removed")


def _modified(change: Change) -> Iterator[Finding]:
    assert change.old is not None  # noqa: S101  # both sides of what is modified exist
    assert change.new is not None  # noqa: S101
    old, new = change.old, change.new
    if old["label"] != new["label"]:
        yield _value(change, "LABEL_CHANGED", Semver.PATCH, "label", old["label"], new["label"])
    if old["description"] != new["description"]:
        values = _cut(old["description"]), _cut(new["description"])
        yield _value(change, "DESCRIPTION_CHANGED", Semver.PATCH, "description", *values)
    if change.entity_type in _ENTITIES:
        yield from _definition(change, old["schema_definition"], new["schema_definition"])


def _definition(change: Change, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Finding]:
    if change.entity_type is Kind.PROPERTY:
        datatypes = old.get("datatype"), new.get("datatype")
        if all(datatypes) and datatypes[0] != datatypes[1]:
            yield _value(change, "DATATYPE_CHANGED", Semver.MAJOR, "datatype", *datatypes)
        cardinalities = old.get("cardinality"), new.get("cardinality")
        if cardinalities == ("multiple", "single"):
            yield _value(
                change, "CARDINALITY_RESTRICTED", Semver.MAJOR, "cardinality", *cardinalities
            )
        elif cardinalities == ("single", "multiple"):
            yield _value(change, "CARDINALITY_RELAXED", Semver.MINOR, "cardinality", *cardinalities)
        return
    yield from _lists(change, "PROPERTY", "properties", old, new)
    if change.entity_type is Kind.CATEGORY:
        yield from _lists(change, "SUBOBJECT", "subobjects", old, new)


def _lists(
    change: Change, word: str, field: str, old: dict[str, Any], new: dict[str, Any]
) -> Iterator[Finding]:
    for one in _without(old[field], new[field]):
        yield _finding(
            change, f"{word}_REMOVED", Semver.MAJOR, f"loses {one}", field=field, old_value=one
        )
    for one in _without(new[field], old[field]):
        yield _finding(
            change, f"{word}_ADDED", Semver.MINOR, f"gains {one}", field=field, new_value=one
        )


def _without(ids: Sequence[str], others: Sequence[str]) -> list[str]:
    known = set(others)
    return [one for one in ids if one not in known]


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= _SHOWN:
        return text
    return text[:_SHOWN] + "..."


def _value(change: Change, code: str, semver: Semver, field: str, old: Any, new: Any) -> Finding:
    what = f"changes its {field}"
    return _finding(change, code, semver, what, field=field, old_value=old, new_value=new)


def _finding(change: Change, code: str, semver: Semver, what: str, **more: Any) -> Finding:
    return Finding(
        entity_type=change.entity_type,
        entity_id=change.entity_id,
        code=code,
        message=f"{change.entity_type} {change.entity_id} {what}",
        severity=_SEVERITY[semver],
        suggested_semver=semver,
        **more,
    )
