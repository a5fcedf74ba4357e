"""What differs between two versions, whichever history answers."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from app.ontology.kinds import KIND_OF_FOLDER
from app.ontology.values import same
from app.versions.git_history import GitHistory
from tests.app.histories import Snapshots, applied, changed, document, files, mirrored
from tests.app.repositories import Repository

DATA = Path(__file__).resolve().parents[2].parent / "shared/data"


class Checkout(Repository):
    """A git repository that is asked as Snapshots is."""

    def diff(self, old: str, new: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(asyncio.run(GitHistory(self.path).diff(old, new)))
        return answer


Past = Checkout | Snapshots


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "source")


@pytest.fixture
def snapshots(app_database: URL) -> Iterator[Snapshots]:
    with Snapshots(app_database) as past:
        yield past


@pytest.fixture(params=["checkout", "snapshots"])
def past(request: pytest.FixtureRequest) -> Past:
    made: Past = request.getfixturevalue(request.param)
    return made


# An ontology that grows, is corrected, and is then written anew with other ids and spellings.
SMALL = {
    **files("categories/Guest", "categories/Room", parent=None),
    **files("properties/has_name", "properties/has_floor", datatype="Text", cardinality="single"),
    **files("subobjects/Stay", properties=["has_name"]),
    **files("modules/core", categories=["Room"], dependencies=[]),
    **files("profiles/default", modules=["core"]),
}
GROWN = {
    **SMALL,
    **files("categories/Guest", parent="Being"),
    **files("categories/Being", parent=None),
    **files("properties/has_key", datatype="Number", cardinality="multiple"),
    **files("modules/core", categories=["Room", "Being"], dependencies=[]),
    **files("modules/keys", categories=["Guest"], dependencies=["core"]),
}
CORRECTED = {**GROWN, **files("modules/keys", categories=["Guest"], dependencies=["core", "x"])}
ANEW = {
    **files("categories/Guest", parents=["Being"], required_properties=["Has_name"]),
    **files("categories/Being", optional_properties=["Has_name"]),
    **files("properties/Has_name", datatype="Text", cardinality="single"),
    **files("subobjects/Stay", required_properties=["Has_name"]),
    **files("modules/Core", categories=["Guest", "Being"]),
    **files("bundles/Default", modules=["Core"]),
}
NUMBERED = {
    **ANEW,
    **files("modules/Core", categories=["Guest", "Being"], version="1.0.0"),
    **files("bundles/Default", modules=["Core"], version="1.0.0"),
}


class TestSituations:
    def test_an_ontology_grows(self, past: Past) -> None:
        past.add(SMALL, "old")
        past.add(GROWN, "new")
        assert changed(past.diff("old", "new")) == {
            "added": {"categories/Being", "properties/has_key", "modules/keys"},
            "modified": {"categories/Guest", "modules/core"},
        }

    def test_one_module_is_corrected(self, past: Past) -> None:
        past.add(GROWN, "old")
        past.add(CORRECTED, "new")
        assert changed(past.diff("old", "new")) == {"modified": {"modules/keys"}}

    def test_an_ontology_is_written_anew_in_names_that_differ_by_case(self, past: Past) -> None:
        past.add(CORRECTED, "old")
        past.add(ANEW, "new")
        assert changed(past.diff("old", "new")) == {
            "added": {"properties/Has_name", "modules/Core", "bundles/Default"},
            "modified": {"categories/Guest", "categories/Being", "subobjects/Stay"},
            "deleted": {
                "categories/Room",
                *("properties/has_name", "properties/has_floor", "properties/has_key"),
                *("modules/core", "modules/keys", "profiles/default"),
            },
        }

    def test_a_module_and_a_bundle_get_version_numbers(self, past: Past) -> None:
        past.add(ANEW, "old")
        past.add(NUMBERED, "new")
        found = past.diff("old", "new")
        assert changed(found) == {"modified": {"modules/Core", "bundles/Default"}}
        assert found["profiles"]["modified"] == [
            {
                "key": "bundles/Default",
                "entity_type": "profiles",
                "entity_id": "Default",
                "old": document("Default", modules=["Core"]),
                "new": document("Default", modules=["Core"], version="1.0.0"),
            }
        ]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA.name}, published snapshots, is not here")
def test_published_snapshots_differ_as_is_known(past: Past) -> None:
    for name in ("0c6c9d9", "d88915c"):
        source = DATA / f"labki-schemas-{name}"
        past.add(
            {
                str(path.relative_to(source)): path.read_text(encoding="utf-8")
                for path in source.glob("*/*.json")
                if path.parent.name in KIND_OF_FOLDER and path.name != "_schema.json"
            },
            name,
        )
    found = changed(past.diff("0c6c9d9", "d88915c"))
    properties = {
        what: {key for key in keys if key.startswith("properties/")} for what, keys in found.items()
    }
    assert {what: len(keys) for what, keys in properties.items()} == {
        "added": 8,
        "modified": 0,
        "deleted": 12,
    }
    assert {what: found[what] - properties[what] for what in found} == {
        "added": {"modules/Core", "bundles/Default"},
        "modified": {
            *("categories/Agent", "categories/Organization", "categories/Person"),
            "subobjects/Address",
        },
        "deleted": {
            *("categories/Project", "categories/Researcher", "categories/Student"),
            *("modules/core", "modules/projects", "modules/research"),
            *("profiles/default", "profiles/full"),
        },
    }


class TestWhatACheckoutHolds:
    def test_a_definition_moves_from_json_to_wikitext(self, checkout: Checkout) -> None:
        checkout.add(files("categories/Guest"), "json")
        for name, says in (("wikitext", "Stays here."), ("corrected", "Sleeps here.")):
            lines = [
                "<!-- OntologySync Start -->",
                *("{{Category", f"|has_description={says}", "}}"),
                "<!-- OntologySync End -->",
                "",
            ]
            checkout.add({"categories/Guest.wikitext": "\n".join(lines)}, name)
        for old in ("json", "wikitext"):
            found = checkout.diff(old, "corrected")
            assert changed(found) == {"modified": {"categories/Guest"}}
            # What a wikitext file says is its definition in the normal form.
            new = found["categories"]["modified"][0]["new"]
            assert (new["id"], new["description"], new["parents"]) == ("Guest", "Sleeps here.", [])

    def test_what_is_no_definition_is_left_out(self, checkout: Checkout) -> None:
        checkout.add({"README.md": "-"}, "old")
        others = [
            *(
                "README.md",
                "VERSION",
                "Guest.json",
                "_schema.json",
                "scripts/categories/Guest.json",
            ),
            *("templates/Guest.json", "resources/Guest.json", "dashboards/Guest.json"),
            *("categories/_schema.json", "categories/.gitkeep", "categories/Guest.md"),
            *("categories/versions/Guest.json", "modules/versions/core.json", "Categories/A.json"),
        ]
        checkout.add({name: document("Guest") for name in others}, "new")
        assert changed(checkout.diff("old", "new")) == {}

    def test_a_link_and_a_submodule_are_left_out(self, checkout: Checkout) -> None:
        first = checkout.commit({"README.md": "-"})
        checkout.git("update-index", "--add", "--cacheinfo", f"160000,{first},categories/Sub.json")
        blob = checkout.git("hash-object", "-w", "--stdin", given=b"../README.md")
        checkout.git("update-index", "--add", "--cacheinfo", f"120000,{blob},categories/Link.json")
        checkout.git("commit", "--quiet", "--message", "No files")
        assert changed(checkout.diff(first, "HEAD")) == {}

    def test_a_kind_that_is_a_file_holds_nothing(self, checkout: Checkout) -> None:
        checkout.add({"categories": "no folder"}, "old")
        checkout.add(files("categories/Guest"), "new")
        assert changed(checkout.diff("old", "new")) == {"added": {"categories/Guest"}}

    @pytest.mark.parametrize(
        "text", ["{", "[]", '{"id": "Guest", "x": NaN}', '{"id": "Guest", "x": "\\ud800"}', "\x00"]
    )
    def test_what_the_importer_cannot_read_is_not_there(
        self, checkout: Checkout, text: str
    ) -> None:
        checkout.add({"categories/Guest.json": text}, "broken")
        checkout.add(files("categories/Guest"), "mended")
        assert changed(checkout.diff("broken", "mended")) == {"added": {"categories/Guest"}}
        assert changed(checkout.diff("mended", "broken")) == {"deleted": {"categories/Guest"}}

    def test_another_layout_of_the_same_json_is_no_change(self, checkout: Checkout) -> None:
        checkout.add({"categories/A.json": '{"id": "A", "x": [1, {"y": 2, "z": 3}]}'}, "old")
        checkout.add({"categories/A.json": '{"x":[1.0,{"z":3,"y":2}],\n"id":"A"}\n'}, "new")
        assert changed(checkout.diff("old", "new")) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *((True, 1), (False, 0), (None, 0), (None, {}), ("1", 1), ([], {}), ("é", "e\u0301")),
        *(([1, 2], [2, 1]), ([1], [1, 1]), ({"a": None}, {}), ({"a": [True]}, {"a": [1]})),
    ],
)
def test_values_that_json_tells_apart_are_not_the_same(one: object, other: object) -> None:
    assert same(one, one)
    assert not same(one, other)
    assert not same(other, one)


VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, 0.5, "", "a", 'ä\n"\\', "\U0001f600"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)


@st.composite
def states(draw: st.DrawFn) -> dict[str, str]:
    """Files of a source: few ids, so that two states have many in common, in several layouts."""
    found = {}
    taken = set()
    for folder, name in draw(
        st.lists(
            st.tuples(
                st.sampled_from(sorted(KIND_OF_FOLDER)),
                st.sampled_from(["Core", "core", "Has_name", "has_name", "Étage"]),
            ),
            unique=True,
            max_size=8,
        )
    ):
        # A source has no two definitions of one id.
        if (KIND_OF_FOLDER[folder], name) not in taken:
            taken.add((KIND_OF_FOLDER[folder], name))
            said = {"id": name, "label": name, "x": draw(VALUES)}
            layout = draw(st.sampled_from([None, 2]))
            found[f"{folder}/{name}.json"] = json.dumps(said, indent=layout)
    return found


NUMBERS = itertools.count()


@given(old=states(), new=states())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_diff_leads_there_and_its_mirror_back(
    checkout: Checkout, snapshots: Snapshots, old: dict[str, str], new: dict[str, str]
) -> None:
    number = next(NUMBERS)  # the past of one example is part of the next one's
    before, after = f"old{number}", f"new{number}"
    for past in (checkout, snapshots):
        past.add(old, before)
        past.add(new, after)
    there = checkout.diff(before, after)
    assert changed(there).keys() <= {"added", "modified", "deleted"}
    assert same(snapshots.diff(before, after), there)
    for past in (checkout, snapshots):
        assert same(past.diff(after, before), mirrored(there))
        assert changed(past.diff(after, after)) == {}
    said = [
        {path.removesuffix(".json"): json.loads(text) for path, text in state.items()}
        for state in (old, new)
    ]
    assert same(applied(there, said[0]), said[1])
    for kind in (value for value in there.values() if isinstance(value, dict)):
        assert not any(same(change["old"], change["new"]) for change in kind["modified"])
