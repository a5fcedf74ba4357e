"""The report on a draft: what its changes mean, and the version step that they suggest."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.engine import URL

from tests.app.drafts_support import (
    Client,
    check,
    client,
    codes,
    entity,
    module,
    only,
    profile,
    proposal,
    seed,
)


@pytest.fixture(scope="module")
def hub(
    module_database: URL, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    seed(module_database)
    folder = tmp_path_factory.mktemp("changes")
    with client(module_database, roles["app"], folder) as made:
        yield made


@pytest.mark.parametrize(
    ("element", "kind", "code", "severity", "semver", "field", "values"),
    [
        (
            entity("has_age", {"datatype": "Text", "cardinality": "single"}),
            *("properties", "DATATYPE_CHANGED", "warning", "major", "datatype", ("Number", "Text")),
        ),
        (
            entity("has_wingspan", {"datatype": "Quantity", "cardinality": "single"}),
            *("properties", "CARDINALITY_RESTRICTED", "warning", "major", "cardinality"),
            ("multiple", "single"),
        ),
        (
            entity("has_age", {"datatype": "Number", "cardinality": "multiple"}),
            *("properties", "CARDINALITY_RELAXED", "info", "minor", "cardinality"),
            ("single", "multiple"),
        ),
        (
            entity("Animal", {"parent": "Thing", "properties": ["has_name"]}),
            *("categories", "PROPERTY_REMOVED", "warning", "major", "properties"),
            ("has_age", None),
        ),
        (
            entity("Loner", {"properties": ["has_name"]}),
            *("categories", "PROPERTY_ADDED", "info", "minor", "properties", (None, "has_name")),
        ),
        (
            entity("Nest", {}),
            *("subobjects", "PROPERTY_REMOVED", "warning", "major", "properties"),
            ("has_age", None),
        ),
        (
            entity("Burrow", {"properties": ["has_name"]}),
            *("subobjects", "PROPERTY_ADDED", "info", "minor", "properties", (None, "has_name")),
        ),
        (
            entity("Bird", {"parent": "Animal", "properties": ["has_wingspan"]}),
            *("categories", "SUBOBJECT_REMOVED", "warning", "major", "subobjects"),
            ("Nest", None),
        ),
        (
            entity("Loner", {"subobjects": ["Nest"]}),
            *("categories", "SUBOBJECT_ADDED", "info", "minor", "subobjects", (None, "Nest")),
        ),
        (
            entity("Fish", {}),
            *("categories", "ENTITY_ADDED", "info", "minor", None, (None, None)),
        ),
        (entity("p", {}), *("properties", "ENTITY_ADDED", "info", "minor", None, (None, None))),
        (entity("S", {}), *("subobjects", "ENTITY_ADDED", "info", "minor", None, (None, None))),
        (
            entity("Bird", label="Birds"),
            *("categories", "LABEL_CHANGED", "info", "patch", "label", ("Bird", "Birds")),
        ),
        (
            entity("Bird", description="é" * 51),
            *("categories", "DESCRIPTION_CHANGED", "info", "patch", "description"),
            ("As it is.", "é" * 50 + "..."),
        ),
        (
            entity("Bird", description="e" * 50),
            *("categories", "DESCRIPTION_CHANGED", "info", "patch", "description"),
            ("As it is.", "e" * 50),
        ),
        (
            module("zoo", label="The zoo"),
            *("modules", "LABEL_CHANGED", "info", "patch", "label", ("Zoo", "The zoo")),
        ),
        (
            profile("all", description="All of it"),
            *("profiles", "DESCRIPTION_CHANGED", "info", "patch", "description"),
            (None, "All of it"),
        ),
    ],
)
def test_a_change_says_what_it_means(
    hub: Client,
    element: dict[str, Any],
    kind: str,
    code: str,
    severity: str,
    semver: str,
    field: str | None,
    values: tuple[Any, Any],
) -> None:
    report = hub.report(proposal(**{kind: [element]}))
    found = only(report, code)
    check(found, severity=severity, suggested_semver=semver, field=field)
    check(found, old_value=values[0], new_value=values[1])
    assert codes(report) == [code]
    assert report["suggested_semver"] == semver
    (reason,) = report["semver_reasons"]
    assert reason.startswith(f"{code}: {found['entity_id']}")


@pytest.mark.parametrize(
    ("deletions", "entity_type"),
    [
        ({"categories": ["Loner"]}, "category"),
        ({"properties": ["has_nobody"]}, "property"),
        ({"subobjects": ["Burrow"]}, "subobject"),
        ({"modules": ["spare"]}, "module"),
        ({"profiles": ["none"]}, "profile"),
    ],
)
def test_a_removal_is_major(hub: Client, deletions: dict[str, list[str]], entity_type: str) -> None:
    report = hub.report(proposal(deletions=deletions))
    (item_id,) = next(iter(deletions.values()))
    check(
        only(report, "ENTITY_REMOVED"),
        **{"entity_type": entity_type, "entity_id": item_id, "severity": "warning"},
        suggested_semver="major",
    )
    assert report["is_valid"]
    assert (report["suggested_semver"], report["semver_reasons"]) == (
        "major",
        [f"ENTITY_REMOVED: {item_id}"],
    )


def test_the_strongest_step_wins_and_gives_its_own_reasons_alone(hub: Client) -> None:
    minor = [entity("Fish", {}), entity("Bird", label="Birds")]
    report = hub.report(proposal(categories=minor))
    assert (report["suggested_semver"], report["semver_reasons"]) == (
        "minor",
        ["ENTITY_ADDED: Fish"],
    )
    major = [entity("has_age", {"datatype": "Text", "cardinality": "multiple"})]
    report = hub.report(proposal(categories=minor, properties=major))
    assert (report["suggested_semver"], report["semver_reasons"]) == (
        "major",
        ["DATATYPE_CHANGED: has_age (Number -> Text)"],
    )
    wrong = [*minor, entity("X", {"parent": "nowhere"})]
    report = hub.report(proposal(categories=wrong, properties=major))
    assert (report["is_valid"], report["suggested_semver"]) == (False, "patch")
    assert report["semver_reasons"] == ["The draft has errors (1): mend them first"]


def test_a_change_without_a_code_is_a_patch_and_not_said_to_be_none(hub: Client) -> None:
    report = hub.report(proposal(modules=[module("zoo", category_ids=["Bird"])]))
    assert (codes(report), report["suggested_semver"]) == ([], "patch")
    assert report["semver_reasons"] == ["Changed without a rule for its step: module zoo"]
