"""The backup service in the graph: when it is there, as whom it runs, and what it may reach."""

import os
from pathlib import Path

import pulumi
import pytest

from infra import backups
from infra.images import ROOT
from infra.services import postgres
from infra.settings import StackSettings
from tests.infra.declared_graph import IMAGE, Declare
from tests.infra.test_graph import plain
from tests.policy.container import declared
from tests.policy.rules import violations

UID = 12345


@pytest.fixture
def config(tmp_path: Path) -> dict[str, str]:
    """Return the config of a stack `test` with a schedule, and a folder that is ready for it."""
    folder = tmp_path / "test"
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, UID, UID)
    return {"backupDir": str(tmp_path), "backupSchedule": "15 3 * * *"}


def owner() -> str:
    return str(UID if os.geteuid() == 0 else os.geteuid())


def test_without_a_schedule_there_is_no_service_and_no_folder_is_asked_for(
    declare: Declare,
) -> None:
    graph = declare({"backupDir": "/nowhere"})
    assert "backup" not in graph.containers
    assert "backup-image" not in graph.resources[IMAGE]


def test_it_runs_as_the_folders_owner_and_writes_there_alone(
    declare: Declare, config: dict[str, str]
) -> None:
    graph = declare(config)
    service = graph.containers["backup"]
    assert service["user"] == f"{owner()}:{owner()}"
    assert service["readOnly"] is True
    mounts = {mount["target"]: mount for mount in service["mounts"]}
    assert mounts["/backups"]["source"] == f"{config['backupDir']}/test"
    assert not mounts["/backups"]["readOnly"]
    assert mounts["/run/secrets"]["readOnly"] is True
    assert set(mounts) == {"/backups", "/run/secrets"}
    networks = [network["name"] for network in service["networksAdvanced"]]
    assert networks == ["ontology-hub-test-data", "ontology-hub-test-metrics"]
    assert violations([declared(plain(service))]) == []


def test_the_log_level_reaches_all_of_the_hubs_own_programs(
    declare: Declare, config: dict[str, str]
) -> None:
    containers = declare({**config, "ontologyPath": "docs", "logLevel": "WARNING"}).containers
    for role in ("backend", "migrations", "importer", "backup"):
        assert "LOG_LEVEL=WARNING" in containers[role]["envs"], role


def test_another_folder_of_the_same_name_makes_it_anew(
    declare: Declare, config: dict[str, str], tmp_path: Path
) -> None:
    def labels() -> dict[str, str]:
        service = declare(config).containers["backup"]
        return {item["label"]: item["value"] for item in service["labels"]}

    before = labels()
    assert labels() == before
    (tmp_path / "test").rename(tmp_path / "away")
    (tmp_path / "test").mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(tmp_path / "test", UID, UID)
    assert labels() != before


def test_it_reads_the_database_as_the_role_that_only_reads(
    declare: Declare, config: dict[str, str]
) -> None:
    password = "a:b\\c-password"
    graph = declare(config, {"readPassword": password})
    assert "PGUSER=ontology_read" in graph.containers["backup"]["envs"]
    (pgpass,) = plain(graph.couriers["backup"]["uploads"])
    assert pgpass["content"] == "db:5432:*:ontology_read:a\\:b\\\\c-password\n"
    assert (pgpass["owner"], pgpass["permissions"]) == (owner(), "0400")


def test_its_pg_dump_is_of_the_servers_major_version() -> None:
    said = (ROOT / "backup" / "Dockerfile").read_text()
    assert f"postgresql-client-{postgres.MAJOR} " in said
    assert f"/usr/lib/postgresql/{postgres.MAJOR}/bin" in said


def test_a_folder_that_is_not_there_or_not_writable_is_told_with_the_command(
    declare: Declare, config: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "test"
    folder.chmod(0o500)
    with pytest.raises(pulumi.RunError, match="must be writable for you and for its owner"):
        declare(config)
    folder.rmdir()
    with pytest.raises(pulumi.RunError, match=f"mend: install -d -m 700 .*{folder}"):
        declare(config)
    folder.write_text("")
    with pytest.raises(pulumi.RunError, match="is not a folder"):
        declare(config)


@pytest.mark.skipif(os.geteuid() != 0, reason="the folder is to be root's")
def test_a_folder_of_roots_is_refused_since_no_service_runs_as_root(
    declare: Declare, config: dict[str, str], tmp_path: Path
) -> None:
    os.chown(tmp_path / "test", 0, 0)
    with pytest.raises(pulumi.RunError, match=f"mend: chown -R 10002:10002 {tmp_path}/test"):
        declare(config)


def test_each_stack_has_a_folder_of_its_own_in_the_project_by_default() -> None:
    settings = StackSettings.from_config({}, frozenset(), "dev")
    assert backups.folder(settings, "alice") == ROOT / ".hub" / "backups" / "alice"
