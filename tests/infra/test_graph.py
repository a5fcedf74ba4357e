"""The whole graph: names, order, health checks, secrecy, ports, limits."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from infra.images import PIP_INSTALL
from tests.infra.declared_graph import (
    CONTAINER,
    IMAGE,
    NETWORK,
    SECRET_MARK,
    VOLUME,
    Declare,
    Graph,
)

MEASURING = {"prometheus", "postgres-exporter", "node-exporter"}
SERVICES = {"db", "backend", "pgadmin", "grafana", "status"} | MEASURING
JOBS = {"roles", "migrations", "importer"}
GIVEN_NOTHING = {"db", "node-exporter"}
GIVEN_NO_SECRET = {"prometheus", "status"}
DEV = {"hotReload": "true", "databasePort": "5432", "ontologyPath": "docs"}


def names(graph: Graph, type_: str) -> set[str]:
    return {inputs["name"] for inputs in graph.resources.get(type_, {}).values()}


def plain(value: Any) -> Any:
    """Take Pulumi's marks of secrets off, at any depth."""
    if isinstance(value, dict):
        if SECRET_MARK in value:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_every_service_and_job_is_there(declare: Declare) -> None:
    assert set(declare(DEV).containers) == SERVICES | JOBS


def test_grafana_is_absent_with_its_volume_and_url_when_off(declare: Declare) -> None:
    graph = declare({**DEV, "grafana": "false"})
    assert set(graph.containers) == (SERVICES | JOBS) - {"grafana"} - MEASURING
    assert "grafana_url" not in graph.outputs
    assert "grafana_password" not in graph.outputs
    assert not any("grafana" in name for name in names(graph, VOLUME) | names(graph, IMAGE))


def test_everything_is_named_and_labelled_by_project_stack_and_role(declare: Declare) -> None:
    graph = declare(DEV, name="alice")
    for role, inputs in graph.containers.items():
        assert inputs["name"] == f"ontology-hub-alice-{role}"
        labels = {item["label"]: item["value"] for item in inputs["labels"]}
        assert labels["ontology-hub.project"] == "ontology-hub"
        assert labels["ontology-hub.stack"] == "alice"
        assert labels["ontology-hub.role"] == role
    assert names(graph, NETWORK) == {
        f"ontology-hub-alice-{network}" for network in ("data", "tools", "metrics", "published")
    }
    assert {re.sub("(-files)-[0-9a-f]{8}$", r"\1", name) for name in names(graph, VOLUME)} == {
        *(f"ontology-hub-alice-{volume}" for volume in ("pgdata", "pgsocket")),
        *(f"ontology-hub-alice-{role}-data" for role in ("grafana", "prometheus")),
        *(f"ontology-hub-alice-{role}-files" for role in (SERVICES | JOBS) - GIVEN_NOTHING),
    }


def test_two_stacks_share_no_name(declare: Declare) -> None:
    alice, bob = declare(DEV, name="alice"), declare(DEV, name="bob")
    for type_ in (CONTAINER, VOLUME, NETWORK):
        assert not names(alice, type_) & names(bob, type_)


def test_every_service_is_hardened_and_bounded(declare: Declare) -> None:
    for role, inputs in declare(DEV).containers.items():
        assert inputs["capabilities"]["drops"] == ["ALL"], role
        assert set(inputs["capabilities"].get("adds", [])) <= {"CAP_NET_BIND_SERVICE"}, role
        assert inputs["securityOpts"] == ["no-new-privileges:true"], role
        assert 0 < inputs["memory"] == inputs["memorySwap"], role
        assert inputs["logOpts"] == {"max-size": "10m", "max-file": "3"}, role
        assert inputs["user"].split(":")[0] not in ("", "0", "root"), role
        assert not inputs.get("privileged"), role


def test_every_service_has_a_health_check_and_comes_back_and_every_job_runs_once(
    declare: Declare,
) -> None:
    for role, inputs in declare(DEV).containers.items():
        if role in SERVICES:
            assert inputs["restart"] == "always", role
            assert inputs["healthcheck"]["tests"][0] == "CMD", role
            assert inputs["mustRun"] is True, role
            assert inputs["destroyGraceSeconds"] >= 10, role
        else:
            assert inputs["restart"] == "no", role
            assert inputs["attach"] is True, role
            assert inputs["mustRun"] is False, role
            assert "rm" not in inputs, role


def test_up_waits_for_every_service_to_be_healthy_and_every_job_to_end_well(
    declare: Declare,
) -> None:
    graph = declare(DEV)
    assert graph.settled == SERVICES
    assert graph.finished == JOBS


def test_the_database_is_probed_over_tcp_and_given_time_to_shut_down(declare: Declare) -> None:
    database = declare(DEV).containers["db"]
    assert "--host=127.0.0.1" in database["healthcheck"]["tests"]
    assert database["destroyGraceSeconds"] >= 30


def test_ports_are_published_on_loopback_only(declare: Declare) -> None:
    ports = {
        role: [(port["ip"], port["external"], port["internal"]) for port in inputs["ports"]]
        for role, inputs in declare(DEV).containers.items()
        if inputs.get("ports")
    }
    assert ports == {
        "db": [("127.0.0.1", 5432, 5432)],
        "backend": [("127.0.0.1", 8000, 8000)],
        "pgadmin": [("127.0.0.1", 5050, 8080)],
        "grafana": [("127.0.0.1", 3000, 3000)],
    }


def test_the_database_port_is_closed_unless_configured(declare: Declare) -> None:
    graph = declare()
    assert not graph.containers["db"].get("ports")
    assert "database_url" not in graph.outputs


def test_port_offset_shifts_every_port_and_url(declare: Declare) -> None:
    graph = declare({**DEV, "portOffset": "100"})
    external = {p["external"] for c in graph.containers.values() for p in c.get("ports") or []}
    assert external == {8100, 5150, 3100, 5532}
    assert graph.outputs["api_url"] == ("http://127.0.0.1:8100", False)
    assert "@127.0.0.1:5532/" in graph.outputs["database_url"][0]


def test_the_walk_of_one_value_from_config_to_url(declare: Declare) -> None:
    graph = declare({"backendPort": "8080"})
    assert graph.containers["proxy"]["ports"][0]["external"] == 8080
    assert graph.outputs["docs_url"] == ("http://127.0.0.1:8080/docs", False)


def test_the_backends_own_settings_reach_it(declare: Declare) -> None:
    config = {"logLevel": "DEBUG", "corsOrigins": "https://wiki.example", "debug": "true"}
    env = set(declare(config).containers["backend"]["envs"])
    assert {"LOG_LEVEL=DEBUG", "CORS_ORIGINS=https://wiki.example", "DEBUG=true"} <= env


@pytest.mark.parametrize("configured", [True, False])
def test_a_secret_travels_only_in_files_that_its_owner_alone_reads(
    declare: Declare, configured: bool
) -> None:
    keys = ("postgres", "owner", "app", "read", "pgadmin", "grafana")
    given = {f"{key}Password": f"given-{key}-password" for key in keys} if configured else {}
    given |= {key: f"given-{key}" for key in ("adminSecret", "webhookSecret") if configured}
    graph = declare(DEV, secrets=given)
    values = given.values() if configured else [f"generated-{key}-password" for key in keys]
    for role, inputs in graph.resources[CONTAINER].items():
        outside = json.dumps({key: value for key, value in inputs.items() if key != "uploads"})
        assert not any(value in outside for value in values), role
    for role, inputs in graph.couriers.items():
        assert (SECRET_MARK in json.dumps(inputs["uploads"])) is (role not in GIVEN_NO_SECRET), role
        for upload in plain(inputs["uploads"]):
            if any(value in upload["content"] for value in values):
                assert upload["permissions"] == "0400", role
                assert upload["owner"] == graph.containers[role]["user"].split(":")[0], role


def test_files_arrive_in_a_volume_of_their_own_mounted_read_only(declare: Declare) -> None:
    graph = declare(DEV)
    assert set(graph.couriers) == (SERVICES | JOBS) - GIVEN_NOTHING
    for role, courier in graph.couriers.items():
        assert not courier["mustRun"]
        assert courier["networkMode"] == "none"
        (mount,) = courier["mounts"]
        (mine,) = [
            one for one in graph.containers[role]["mounts"] if one["source"] == mount["source"]
        ]
        assert mine["target"] == mount["target"] == "/run/secrets"
        assert mine["readOnly"] is True
        labels = {i["label"]: i["value"] for i in graph.containers[role]["labels"]}
        assert labels["ontology-hub.files"] == f"{role}-files-id"


def test_a_file_that_is_not_wanted_any_more_goes_with_its_volume(declare: Declare) -> None:
    def held(**secrets: str) -> set[str]:
        mounts = declare(DEV, secrets).containers["backend"]["mounts"]
        return {mount["source"] for mount in mounts if mount["target"] == "/run/secrets"}

    assert held() == held()
    assert held(adminSecret="given-admin") == held(adminSecret="another-one")
    assert held(adminSecret="given-admin") != held()


def test_each_role_gets_the_secrets_it_needs_and_no_other(declare: Declare) -> None:
    api = {"adminSecret": "given-admin", "webhookSecret": "given-webhook"}
    held = {
        role: {
            upload["file"].rsplit("/", 1)[1]
            for upload in plain(inputs["uploads"])
            if upload["permissions"] == "0400"
        }
        for role, inputs in declare(DEV, api).couriers.items()
    }
    assert held == {
        "roles": {"postgres_password", "owner_password", "app_password", "read_password"},
        "migrations": {"owner_password"},
        "importer": {"app_password"},
        "backend": {"app_password", "admin_secret", "webhook_secret"},
        "pgadmin": {"pgadmin_password", "pgpass"},
        "grafana": {"grafana_password", "datasource_password"},
        "postgres-exporter": {"read_password"},
        **{role: set() for role in GIVEN_NO_SECRET},
    }


def test_outputs_that_hold_a_password_are_secret(declare: Declare) -> None:
    outputs = declare(DEV).outputs
    secret = {key for key, (_value, is_secret) in outputs.items() if is_secret}
    assert secret == {"database_url", "pgadmin_password", "grafana_password"}


def test_a_password_of_any_character_gives_a_url_that_still_parses(declare: Declare) -> None:
    password = "".join(chr(code) for code in range(ord("!"), ord("~") + 1))
    url = urlsplit(declare(DEV, secrets={"ownerPassword": password}).outputs["database_url"][0])
    assert unquote(url.password or "") == password
    assert (url.hostname, url.port, url.path) == ("127.0.0.1", 5432, "/ontology_hub")


def test_jobs_come_after_what_they_need(declare: Declare) -> None:
    order = declare(DEV).order
    for before, later in (
        ("data-network", "db"),
        ("pgdata", "db"),
        ("db", "roles"),
        ("roles", "migrations"),
        ("migrations", "importer"),
        ("importer", "backend"),
        ("db", "pgadmin"),
    ):
        assert order.index(before) < order.index(later), (before, later)


def test_hot_reload_mounts_the_code_read_only_and_builds_none_of_it(declare: Declare) -> None:
    graph = declare(DEV)
    for role in ("backend", "migrations"):
        mounts = {m["target"]: m for m in graph.containers[role]["mounts"]}
        assert set(mounts) - {"/srv/ontology"} == {"/srv/app", "/srv/migrations", "/run/secrets"}
        assert all(mount["readOnly"] for mount in mounts.values())
    assert graph.resources[IMAGE]["backend-image"]["build"]["target"] == "deps"


def test_a_baked_backend_has_no_mounts_and_the_migrations_run_in_its_image(
    declare: Declare,
) -> None:
    graph = declare({"hotReload": "false"})
    assert graph.resources[IMAGE]["backend-image"]["build"]["target"] == "full"
    for role in ("backend", "migrations"):
        mounts = [mount["target"] for mount in graph.containers[role]["mounts"]]
        assert mounts == ["/run/secrets"]
    assert graph.containers["backend"]["image"] == graph.containers["migrations"]["image"]


def test_images_are_referenced_by_id_never_by_tag(declare: Declare) -> None:
    for role, inputs in declare(DEV).containers.items():
        assert inputs["image"].startswith("sha256:"), role


def test_local_twins_replace_the_public_images_by_content_tag(declare: Declare) -> None:
    graph = declare({**DEV, "imageSource": "local", "grafana": "false"})
    public = names(graph, IMAGE) - {
        name for name in names(graph, IMAGE) if name.startswith("ontology-hub-test-backend:")
    }
    assert {name.split(":")[0] for name in public} == {
        f"ontology-hub-images/{twin}" for twin in ("postgres", "python", "pgadmin")
    }


def test_a_registry_mirror_is_put_before_every_public_name(declare: Declare) -> None:
    graph = declare({**DEV, "registryMirror": "127.0.0.1:5000/hub"})
    public = {name for name in names(graph, IMAGE) if "test-backend:" not in name}
    assert len(public) == 7
    assert all(name.startswith("127.0.0.1:5000/hub/") for name in public)
    assert any(name.startswith("127.0.0.1:5000/hub/library/postgres:17") for name in public)


def test_the_roles_job_holds_the_data_volume_so_that_a_new_volume_means_a_new_job(
    declare: Declare,
) -> None:
    """Docker refuses to remove a volume that an ended container mounts."""
    graph = declare(DEV)
    held = {mount["source"]: mount for mount in graph.containers["roles"]["mounts"]}
    assert held["ontology-hub-test-pgdata"]["readOnly"] is True
    labels = {i["label"]: i["value"] for i in graph.containers["migrations"]["labels"]}
    assert labels["ontology-hub.roles-job"] == "roles-id"


def test_nothing_but_database_and_roles_job_reaches_the_superusers_socket(
    declare: Declare,
) -> None:
    graph = declare(DEV)
    holders = {
        role
        for role, inputs in graph.containers.items()
        for mount in inputs.get("mounts") or []
        if mount["source"] == "ontology-hub-test-pgsocket"
    }
    assert holders == {"db", "roles"}


def test_an_edit_of_the_code_changes_nothing_in_the_dev_graph(
    declare: Declare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = declare(DEV)
    root = copied_project(tmp_path)
    monkeypatch.setattr("infra.services.backend.ROOT", root)
    same = declare(DEV)
    (root / "app" / "main.py").write_text("# edited\n")
    edited = declare(DEV)
    assert edited.containers == same.containers
    assert edited.resources[IMAGE] == same.resources[IMAGE]
    (root / "migrations" / "env.py").write_text("# edited\n")
    migrated = declare(DEV)
    assert migrated.containers["migrations"] != same.containers["migrations"]
    assert migrated.containers["backend"] == same.containers["backend"]
    assert before.containers.keys() == same.containers.keys()


def copied_project(tmp_path: Path) -> Path:
    for name in ("app/Dockerfile", "app/main.py", "app/requirements.txt", "migrations/env.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# a stand-in whose content only has to change\n")
    for name in ("constraints.txt", "alembic.ini", PIP_INSTALL):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path
