"""The checks of a draft against the ontology as it would be with it."""

from collections.abc import Iterator

from app.drafts.canonical import ACYCLIC, Canonical, Proposal
from app.drafts.changes import change_findings
from app.drafts.cycles import cycles
from app.drafts.diff import Diff
from app.drafts.items import Key, Reference, references
from app.drafts.report import Finding, Report, Severity, make_report
from app.ontology.kinds import Kind

# Those of Semantic MediaWiki.
DATATYPES = (
    "Annotation URI",
    "Boolean",
    "Code",
    "Date",
    "Email",
    "External identifier",
    "Geographic coordinates",
    "Keyword",
    "Monolingual text",
    "Number",
    "Page",
    "Quantity",
    "Record",
    "Reference",
    "Telephone number",
    "Temperature",
    "Text",
    "URL",
)

_MISSING = {
    "parent": "MISSING_PARENT",
    "properties": "MISSING_PROPERTY",
    "subobjects": "MISSING_SUBOBJECT",
    "category_ids": "MISSING_CATEGORY",
    "dependencies": "MISSING_MODULE",
    "module_ids": "MISSING_MODULE",
}

_CIRCULAR = {
    Kind.CATEGORY: ("CIRCULAR_INHERITANCE", "inherits from itself"),
    Kind.MODULE: ("CIRCULAR_DEPENDENCY", "depends on itself"),
}


def validate(proposal: Proposal, canonical: Canonical, diff: Diff) -> Report:
    """Return the report on the proposal; `diff` is what it would change."""
    findings = [
        *_references(proposal, canonical),
        *_left_behind(canonical),
        *_cycles(proposal, canonical),
        *_datatypes(proposal),
        *change_findings(diff),
    ]
    return make_report(findings, [f"{one.entity_type} {one.entity_id}" for one in diff.all()])


def _references(proposal: Proposal, canonical: Canonical) -> Iterator[Finding]:
    """Find what the draft's items name and nobody would know."""
    deleted = frozenset(proposal.deleted)
    for key, fields in proposal.items.items():
        for reference in references(key[0], fields):
            target = (reference.kind, reference.to)
            if target in deleted:
                yield _missing(key, reference, "which this draft deletes")
            elif target not in proposal.items and target not in canonical.known:
                yield _missing(key, reference, "which does not exist")


def _left_behind(canonical: Canonical) -> Iterator[Finding]:
    """Find what the draft leaves alone, though it names what the draft deletes."""
    for position, (key, reference) in enumerate(canonical.users, start=1):
        why = "which this draft deletes"
        if position == len(canonical.users) and not canonical.all_users:
            why += f" (as do further items, beyond the {position} that are listed)"
        yield _missing(key, reference, why)


def _missing(key: Key, reference: Reference, why: str) -> Finding:
    kind, item_id = key
    return Finding(
        entity_type=kind,
        entity_id=item_id,
        field=reference.field,
        code=_MISSING[reference.field],
        message=f"{kind} {item_id} names the {reference.kind} {reference.to}, {why}",
        severity=Severity.ERROR,
        new_value=reference.to,
    )


def _cycles(proposal: Proposal, canonical: Canonical) -> Iterator[Finding]:
    for kind, (code, meaning) in _CIRCULAR.items():
        edges = proposal.edges(kind)
        found = cycles({**canonical.edges(kind), **edges}, edges)
        for item_id in edges:
            if item_id in found:
                yield Finding(
                    entity_type=kind,
                    entity_id=item_id,
                    field=ACYCLIC[kind],
                    code=code,
                    message=f"{kind} {item_id} {meaning}: {found[item_id]}",
                    severity=Severity.ERROR,
                )


def _datatypes(proposal: Proposal) -> Iterator[Finding]:
    for (kind, item_id), fields in proposal.items.items():
        if kind is not Kind.PROPERTY:
            continue
        datatype = fields["schema_definition"].get("datatype")
        if datatype is not None and datatype not in DATATYPES:
            yield Finding(
                entity_type=kind,
                entity_id=item_id,
                field="datatype",
                code="INVALID_DATATYPE",
                message=f"property {item_id} has no datatype of {', '.join(DATATYPES)}",
                severity=Severity.ERROR,
                new_value=datatype,
            )
