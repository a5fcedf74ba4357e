"""Profiles: lists, one of them, its modules."""

import pytest

from app.models import ProfilePublic
from tests.app.hub import Hub, ids


def test_profiles_are_listed_by_label_and_deleted_ones_not(hub: Hub) -> None:
    assert hub.json("/profiles") == []
    hub.profile("a", label="b")
    hub.profile("b", label="B")
    hub.profile("c", label="B")
    hub.profile("d", deleted=True)
    assert ids(hub.json("/profiles"), "profile_id") == ["b", "c", "a"]


def test_a_search_finds_a_part_of_the_label_in_any_case(hub: Hub) -> None:
    hub.profile("a", label="Full Ärzte")
    hub.profile("full", label="100%")
    found = {
        term: ids(hub.json("/profiles", search=term), "profile_id") for term in ("FULL", "0%", "%%")
    }
    assert found == {"FULL": ["a"], "0%": ["full"], "%%": []}


def test_a_profile_is_shown_as_its_model_says(hub: Hub) -> None:
    hub.profile("P", "N", "M", "N")
    row = hub.json("/profiles/P")
    assert list(row) == [
        *("profile_id", "label", "description", "module_ids"),
        *("id", "commit_sha", "created_at", "updated_at"),
    ]
    assert set(row) == set(ProfilePublic.model_fields)
    model = ProfilePublic.model_validate(row)
    times = {"created_at", "updated_at"}
    assert model.model_dump(mode="json", exclude=times) == {
        key: value for key, value in row.items() if key not in times
    }
    assert model.module_ids == ["N", "M", "N"]


@pytest.mark.parametrize("path", ["", "/modules"])
def test_a_missing_or_deleted_profile_is_not_found(hub: Hub, path: str) -> None:
    hub.profile("gone", deleted=True)
    for name in ("gone", "never", "GONE"):
        missing = hub.get(f"/profiles/{name}{path}")
        assert (missing.status_code, missing.json()["detail"]) == (404, "Profile not found")


def test_a_profiles_modules_are_listed_once_by_label_without_the_deleted(hub: Hub) -> None:
    hub.module("M", label="z")
    hub.module("N", label="y")
    hub.module("O", deleted=True)
    hub.module("other")
    hub.profile("P", "M", "N", "O", "never", "M")
    hub.profile("empty")
    modules = hub.json("/profiles/P/modules")
    assert ids(modules, "module_id") == ["N", "M"]
    assert modules[0] == hub.json("/modules/N")
    assert hub.json("/profiles/empty/modules") == []
