"""The ontology in the graph: who reads it, when it is imported again, and what is refused."""

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra import ontology
from infra.services.backend import UID
from infra.settings import StackSettings
from tests.infra.declared_graph import Declare, Graph

READERS = ("backend", "importer")
COMMIT, OTHER_COMMIT = "1" * 40, "2" * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a git checkout with one category in it."""
    folder = tmp_path / "ontology"
    (folder / "categories").mkdir(parents=True)
    (folder / "categories" / "Person.json").write_text('{"id": "Person"}')
    (folder / ".git" / "refs" / "heads").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / ".git" / "refs" / "heads" / "main").write_text(f"{COMMIT}\n")
    return folder


def labels(graph: Graph, role: str) -> dict[str, str]:
    return {item["label"]: item["value"] for item in graph.containers[role]["labels"]}


def mounted(graph: Graph, role: str) -> list[dict[str, Any]]:
    return [m for m in graph.containers[role]["mounts"] if m["target"] == "/srv/ontology"]


def test_without_an_ontology_nothing_imports_or_mounts_one(declare: Declare) -> None:
    graph = declare()
    assert "importer" not in graph.containers
    assert "ontology_import" not in graph.outputs
    assert not mounted(graph, "backend")
    assert not any("ONTOLOGY_PATH" in one for one in graph.containers["backend"]["envs"])


def test_importer_and_backend_find_the_source_at_the_same_place_and_may_only_read_it(
    declare: Declare, folder: Path
) -> None:
    graph = declare({"ontologyPath": str(folder)})
    assert graph.containers["importer"]["command"][-1] == "/srv/ontology"
    assert "DATABASE_USER=ontology_app" in graph.containers["importer"]["envs"]
    assert "ONTOLOGY_PATH=/srv/ontology" in graph.containers["backend"]["envs"]
    for role in READERS:
        (mount,) = mounted(graph, role)
        assert (mount["source"], mount["type"]) == (str(folder), "bind")
        assert mount["readOnly"] is True
    assert graph.outputs["ontology_import"] == (
        "6 added, 5 changed, 4 revived, 3 removed, 2 unchanged, 1 errors",
        False,
    )


def test_a_relative_path_counts_from_the_projects_root_and_a_link_from_where_it_leads(
    declare: Declare, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ontology, "ROOT", folder.parent / "project")
    (folder.parent / "link").symlink_to(folder)
    for path in ("../ontology", "../link"):
        (mount,) = mounted(declare({"ontologyPath": path}), "backend")
        assert mount["source"] == str(folder)


def edit(folder: Path) -> None:
    (folder / "categories" / "Person.json").write_text('{"id": "Person", "label": "P"}')


def add(folder: Path) -> None:
    (folder / "properties").mkdir()
    (folder / "properties" / "Has_name.json").write_text("{}")


def rename(folder: Path) -> None:
    (folder / "categories" / "Person.json").rename(folder / "categories" / "Agent.json")


def empty(folder: Path) -> None:
    (folder / "categories" / "Person.json").unlink()


def commit(folder: Path) -> None:
    (folder / ".git" / "refs" / "heads" / "main").write_text(f"{OTHER_COMMIT}\n")


def check_out_a_commit(folder: Path) -> None:
    (folder / ".git" / "HEAD").write_text(f"{OTHER_COMMIT}\n")


def touch(folder: Path) -> None:
    os.utime(folder / "categories" / "Person.json", (1, 1))


def change_a_mode(folder: Path) -> None:
    (folder / "categories" / "Person.json").chmod(0o664)


def fetch(folder: Path) -> None:
    (folder / ".git" / "refs" / "remotes").mkdir()
    (folder / ".git" / "refs" / "remotes" / "main").write_text(f"{OTHER_COMMIT}\n")
    (folder / ".git" / "index").write_text("anything")


def pack_the_refs(folder: Path) -> None:
    (folder / ".git" / "refs" / "heads" / "main").unlink()
    packed = f"# pack-refs\n{OTHER_COMMIT} refs/heads/domain\n{COMMIT} refs/heads/main\n"
    (folder / ".git" / "packed-refs").write_text(packed)


def make_a_folder(folder: Path) -> None:
    (folder / "empty").mkdir()


@pytest.mark.parametrize(
    ("change", "again"),
    [
        *((one, True) for one in (edit, add, rename, empty)),
        *((one, True) for one in (commit, check_out_a_commit)),
        *((one, False) for one in (touch, change_a_mode, fetch, pack_the_refs, make_a_folder)),
    ],
)
def test_a_change_of_content_or_commit_and_no_other_runs_the_importer_again_and_it_alone(
    declare: Declare, folder: Path, change: Callable[[Path], None], again: bool
) -> None:
    before = declare({"ontologyPath": str(folder)})
    change(folder)
    after = declare({"ontologyPath": str(folder)})
    changed = {
        role for role, inputs in after.containers.items() if inputs != before.containers[role]
    }
    assert changed == ({"importer"} if again else set())


def test_a_tarball_counts_by_its_bytes(declare: Declare, folder: Path) -> None:
    tarball = folder.parent / "ontology.tar.gz"

    def declared() -> Graph:
        return declare({"ontologyPath": str(tarball)})

    with tarfile.open(tarball, "w:gz") as packed:
        packed.add(folder, "ontology")
    before = declared()
    os.utime(tarball, (1, 1))
    assert declared().containers == before.containers
    edit(folder)
    with tarfile.open(tarball, "w:gz") as packed:
        packed.add(folder, "ontology")
    assert declared().containers["importer"] != before.containers["importer"]


def test_a_new_volume_or_a_new_password_runs_the_importer_again(
    declare: Declare, folder: Path
) -> None:
    """Both replace the roles job: see docs/decisions/0003."""
    graph = declare({"ontologyPath": str(folder)})
    assert labels(graph, "importer")["ontology-hub.roles-job"] == "roles-id"


def test_a_folder_that_another_one_was_put_in_place_of_is_mounted_anew(
    declare: Declare, folder: Path
) -> None:
    """The backend would go on to see the old one, and a sync would bring the old data back."""
    before = declare({"ontologyPath": str(folder)})
    folder.rename(folder.parent / "old")
    shutil.copytree(folder.parent / "old", folder)
    after = declare({"ontologyPath": str(folder)})
    assert after.containers["backend"] != before.containers["backend"]
    assert after.containers["importer"] == before.containers["importer"]


def test_the_backend_finds_each_api_secret_that_is_set_in_a_file(declare: Declare) -> None:
    assert not any("_SECRET" in one for one in declare().containers["backend"]["envs"])
    given = {"adminSecret": "given-admin-secret", "webhookSecret": "given-webhook-secret"}
    env = set(declare(secrets=given).containers["backend"]["envs"])
    for name in ("admin_secret", "webhook_secret"):
        assert f"{name.upper()}_FILE=/run/secrets/{name}" in env


def test_the_limits_reach_the_backend(declare: Declare) -> None:
    config = {"draftsPerHour": "7", "requestTimeout": "30", "trustedProxies": "10.0.0.0/8,::1"}
    env = set(declare(config).containers["backend"]["envs"])
    assert {"DRAFTS_PER_HOUR=7", "REQUEST_TIMEOUT=30", "TRUSTED_PROXIES=10.0.0.0/8,::1"} <= env
    assert {"READS_PER_MINUTE=200", "MAX_BODY_BYTES=1048576", "DRAFT_LIFETIME_DAYS=7"} <= env


@pytest.mark.parametrize(
    ("path", "reason", "mend"),
    [
        ("missing", "does not exist", "ontologyPath ''"),
        ("notes.txt", "is neither a folder nor a tarball", "ontologyPath ''"),
        ("locked", "locked must be readable", "chmod -R o+rX"),
        ("ontology", "Person.json must be readable for you and the containers' user (10001)", "-R"),
    ],
)
def test_a_source_that_cannot_be_used_is_told_before_anything_is_made(
    declare: Declare, folder: Path, path: str, reason: str, mend: str
) -> None:
    (folder.parent / "notes.txt").write_text("no tarball")
    (folder.parent / "locked").mkdir(mode=0o700)
    (folder / "categories" / "Person.json").chmod(0o600)
    with pytest.raises(pulumi.RunError) as caught:
        declare({"ontologyPath": str(folder.parent / path)})
    said = str(caught.value)
    assert said.startswith("1 setting is wrong; nothing was changed.")
    assert reason in said
    assert mend in said


def test_what_the_containers_user_owns_alone_is_readable(folder: Path) -> None:
    file = folder / "categories" / "Person.json"
    settings = StackSettings.model_validate({"ontologyPath": str(folder)})
    file.chmod(0o600)
    assert ontology.problems(settings, UID)
    assert not ontology.problems(settings, file.stat().st_uid)
