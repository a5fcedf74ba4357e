"""The report on a draft: what its parts say, and how the sum is drawn from them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from app.ontology.kinds import Kind


class Severity(StrEnum):
    """How serious a finding is: only errors make a draft invalid."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Semver(StrEnum):
    """Which part of the version number a change raises; the strongest first."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"


class Finding(BaseModel):
    """One statement on one item; what each code means stands in docs/decisions/0011."""

    entity_type: Kind
    entity_id: str
    field: str | None = None
    code: str
    message: str
    severity: Severity
    suggested_semver: Semver | None = None
    old_value: Any = None
    new_value: Any = None


class Report(BaseModel):
    """All findings by severity, and the version step that the draft suggests."""

    is_valid: bool
    errors: list[Finding]
    warnings: list[Finding]
    info: list[Finding]
    suggested_semver: Semver
    semver_reasons: list[str]


def make_report(findings: Sequence[Finding], changed: Sequence[str]) -> Report:
    """Sum the findings up; `changed` names all that the draft changes, with a finding or without.

    An error comes before any step; else the strongest step that a finding suggests, with the
    reasons of that step alone.
    """
    by_severity = {
        severity: [one for one in findings if one.severity is severity] for severity in Severity
    }
    semver, reasons = _step(findings, changed)
    return Report(
        is_valid=not by_severity[Severity.ERROR],
        errors=by_severity[Severity.ERROR],
        warnings=by_severity[Severity.WARNING],
        info=by_severity[Severity.INFO],
        suggested_semver=semver,
        semver_reasons=reasons,
    )


def _step(findings: Sequence[Finding], changed: Sequence[str]) -> tuple[Semver, list[str]]:
    errors = sum(one.severity is Severity.ERROR for one in findings)
    if errors:
        return Semver.PATCH, [f"The draft has errors ({errors}): mend them first"]
    for semver in Semver:
        reasons = [_reason(one) for one in findings if one.suggested_semver is semver]
        if reasons:
            return semver, reasons
    if changed:
        return Semver.PATCH, [f"Changed without a rule for its step: {one}" for one in changed]
    return Semver.PATCH, ["No changes detected"]


def _reason(finding: Finding) -> str:
    values = [one for one in (finding.old_value, finding.new_value) if one is not None]
    detail = f" ({' -> '.join(map(str, values))})" if values else ""
    return f"{finding.code}: {finding.entity_id}{detail}"
