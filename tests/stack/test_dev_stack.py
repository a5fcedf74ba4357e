"""The dev stack's life: up, nothing to do, mended, edited, kept, gone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.images.pgadmin_client import Client
from tests.policy.container import running
from tests.policy.rules import violations
from tests.stack.front_door import front_door
from tests.stack.stack_under_test import SERVICES, Stack, docker, eventually, on_the_engine

JOBS = {"roles", "migrations"}
# Refused counts as reached: somebody answered.
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1)
except ConnectionRefusedError:
    pass
except OSError:
    sys.exit(print("not reached"))
print("reached")
"""
TABLES = {
    *("entities", "modules", "profiles", "drafts", "alembic_version"),
    *("snapshots", "snapshot_files", "rate_windows", "job_runs"),
}


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    before = on_the_engine()
    stack = new_stack()
    stack.config(hotReload="true")
    stack.up()
    yield stack
    stack.destroy()
    assert on_the_engine() == before


def all_healthy(stack: Stack) -> bool:
    return stack.health() == dict.fromkeys(SERVICES, "healthy")


def test_up_returns_when_every_service_is_healthy_and_every_job_has_ended_well(
    stack: Stack,
) -> None:
    assert all_healthy(stack)
    for job in JOBS:
        state = stack.inspect(job)["State"]
        assert (state["Status"], state["ExitCode"]) == ("exited", 0)


def test_the_backend_answers_by_the_contract(stack: Stack) -> None:
    status, body = stack.get("/health")
    assert (status, json.loads(body)) == (200, {"status": "healthy", "database": "connected"})


def test_the_urls_of_the_outputs_answer(stack: Stack) -> None:
    outputs = stack.outputs()
    assert outputs["api_url"] == f"http://127.0.0.1:{8000 + stack.offset}"
    assert outputs["docs_url"] == f"{outputs['api_url']}/docs"
    assert "grafana_url" not in outputs
    assert stack.get("/docs")[0] == 200
    assert stack.get("/login", port=5050)[0] == 200


def test_the_migrated_database_holds_the_tables(stack: Stack) -> None:
    listed = stack.psql("select tablename from pg_tables where schemaname = 'public'")
    assert set(listed.split()) == TABLES
    revision = stack.psql("select version_num from alembic_version")
    assert stack.outputs()["migration_revision"] == revision


def test_alembic_inside_the_backend_is_clean_and_at_head(stack: Stack) -> None:
    backend = stack.container("backend")
    assert "(head)" in docker("exec", backend, "alembic", "current")
    assert "No new upgrade operations detected" in docker("exec", backend, "alembic", "check")


def test_a_second_up_a_preview_and_a_refresh_change_nothing(stack: Stack) -> None:
    before = stack.ids()
    stack.unchanged()
    stack.pulumi("preview", "--expect-no-changes")
    stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert stack.ids() == before


def test_every_running_container_keeps_the_policy(stack: Stack) -> None:
    containers = {role: stack.inspect(role) for role in stack.ids()}
    assert containers.keys() > SERVICES | JOBS
    assert violations(map(running, containers.values())) == []
    unlimited = containers["db"]
    unlimited["HostConfig"]["PidsLimit"] = 0
    assert violations([running(unlimited)]) == ["db: 5.29 limited processes: limit 0"]


def test_every_container_has_bounded_logs_and_no_swap_and_its_stacks_label(stack: Stack) -> None:
    for role in SERVICES | JOBS:
        inspected = stack.inspect(role)
        host = inspected["HostConfig"]
        assert host["Memory"] == host["MemorySwap"] > 0, role
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}, role
        assert inspected["Config"]["Labels"]["ontology-hub.stack"] == stack.name, role


def test_each_service_reaches_what_it_needs_and_nothing_else(stack: Stack) -> None:
    addresses = {
        (role, network.rsplit("-", 1)[-1]): one["IPAddress"]
        for role in SERVICES
        for network, one in stack.inspect(role)["NetworkSettings"]["Networks"].items()
    }
    ports = {"db": "5432", "backend": "8000", "pgadmin": "8080", "status": "8080"}
    reached = set()
    pythons = {"backend": "python", "pgadmin": "python3-plain", "status": "python"}
    for role, python in pythons.items():
        for (target, network), address in addresses.items():
            said = docker(
                *("exec", stack.container(role), python, "-c", CONNECT, address, ports[target])
            )
            if target != role and said.strip() == "reached":
                reached.add((role, target, network))
    assert reached == {
        *(("backend", "db", "data"), ("backend", "status", "data")),
        *(("pgadmin", "db", "tools"), ("pgadmin", "status", "tools")),
        # It holds no secret, and asks all.
        *(("status", "db", "data"), ("status", "db", "tools")),
        *(("status", "backend", "data"), ("status", "pgadmin", "tools")),
    }


def test_the_front_door_says_which_service_is_out(stack: Stack) -> None:
    well = {"API": "answers", "Database": "connected", "Grafana": "off"}
    all_well = {**well, "pgAdmin": "answers, open pgAdmin"}
    eventually(lambda: front_door(stack) == all_well)
    out = {**well, "pgAdmin": "does not answer, open pgAdmin"}
    for stop, start in (("pause", "unpause"), ("stop", "start")):
        docker(stop, stack.container("pgadmin"))
        eventually(lambda: front_door(stack) == out)
        docker(start, stack.container("pgadmin"))
        eventually(lambda: front_door(stack) == all_well)
    docker("stop", stack.container("status"))
    begun = time.monotonic()
    assert front_door(stack) == {
        **well,
        **{"pgAdmin": "not known, open pgAdmin", "Status service": "does not answer"},
    }
    assert time.monotonic() - begun < 5  # s; not until the lookup of its name is given up
    docker("start", stack.container("status"))
    eventually(lambda: front_door(stack) == all_well)
    assert docker("logs", stack.container("status")) == ""
    eventually(lambda: all_healthy(stack))


def test_secrets_are_files_that_their_owner_alone_reads(stack: Stack) -> None:
    for role, owner in (("backend", 10001), ("pgadmin", 5050)):
        listed = docker(
            *("exec", stack.container(role), "sh", "-c"),
            "stat -c '%u %a' /run/secrets/*_password",
        )
        assert set(listed.splitlines()) == {f"{owner} 400"}, role


def test_the_everyday_commands_show_the_stack(stack: Stack) -> None:
    status = stack.hub("status")
    for role in SERVICES:
        assert re.search(rf"^{role} +Up .*\(healthy\)", status, re.MULTILINE), status
    assert re.search(r"^migrations +Exited \(0\)", status, re.MULTILINE), status
    assert f"pgAdmin     http://127.0.0.1:{5050 + stack.offset}" in status
    assert "-files" not in status
    follow = subprocess.Popen(
        [sys.executable, "-m", "toolchain.hub", "logs"],
        cwd=stack.root,
        env=stack.env,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert follow.stdout is not None
    wanted = {"ready to accept connections", '"message": "migrated"'}  # of db, of migrations
    for line in follow.stdout:
        wanted -= {one for one in wanted if one in line}
        if not wanted:
            break
    os.killpg(follow.pid, signal.SIGINT)
    follow.stdout.close()
    follow.wait(timeout=10)
    secret = stack.outputs()["pgadmin_password"]
    assert secret in stack.hub("open")
    assert secret not in stack.hub("status")
    done = subprocess.run(
        [sys.executable, "-m", "toolchain.hub", "psql"],
        cwd=stack.root,
        env=stack.env,
        input="select current_user;",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ontology" in done.stdout


def test_what_was_removed_stopped_or_paused_by_hand_is_mended_by_plain_up(stack: Stack) -> None:
    docker("rm", "--force", stack.container("backend"))
    docker("stop", stack.container("db"))
    docker("pause", stack.container("pgadmin"))
    stack.up()
    assert all_healthy(stack)
    assert stack.get("/health")[0] == 200
    stack.unchanged()


def test_jobs_run_again_only_for_their_own_reasons(stack: Stack) -> None:
    before = stack.ids()
    stack.pulumi("config", "set", "ontology-hub:debug", "true")
    stack.up()
    after = stack.ids()
    assert after["backend"] != before["backend"]
    assert {job: after[job] for job in JOBS} == {job: before[job] for job in JOBS}
    stack.pulumi("config", "rm", "ontology-hub:debug")
    stack.up()


def test_pgadmin_knows_the_database_and_connects_without_asking(stack: Stack) -> None:
    outputs = stack.outputs()
    with Client(f"127.0.0.1:{5050 + stack.offset}") as client:
        assert client.login(outputs["pgadmin_password"], outputs["pgadmin_email"])
        assert any("Ontology Hub" in server for server in client.servers())
        answer = client.connect()
        assert answer["data"]["connected"] is True, answer


def test_a_changed_password_runs_the_jobs_and_the_backend_reaches_the_database(
    stack: Stack,
) -> None:
    before = stack.ids()
    password = "".join(chr(code) for code in range(ord("!"), ord("~") + 1))
    stack.pulumi("config", "set", "--secret", "ontology-hub:appPassword", "--", password)
    output = stack.up()
    assert password not in output
    after = stack.ids()
    assert all(after[role] != before[role] for role in (*JOBS, "backend"))
    assert after["db"] == before["db"]
    assert stack.get("/health")[0] == 200
    stack.pulumi("config", "rm", "ontology-hub:appPassword")
    stack.up()
    assert stack.get("/health")[0] == 200


def test_a_new_volume_gets_its_roles_and_tables(stack: Stack) -> None:
    ids = stack.ids()
    docker("rm", "--force", *(ids[role] for role in ("backend", "migrations", "roles", "db")))
    docker("volume", "rm", f"ontology-hub-{stack.name}-pgdata")
    stack.up()
    assert all_healthy(stack)
    listed = stack.psql("select tablename from pg_tables where schemaname = 'public'")
    assert set(listed.split()) == TABLES


def test_the_data_volume_cannot_be_removed_while_the_ended_jobs_hold_it(stack: Stack) -> None:
    """Why a new volume always runs the jobs: see infra/services/roles.py."""
    docker("rm", "--force", stack.container("db"))
    said = docker("volume", "rm", f"ontology-hub-{stack.name}-pgdata", check=False)
    assert "volume is in use" in said
    stack.up()


def test_the_three_roles_may_do_their_work_and_no_more(stack: Stack) -> None:
    row = "insert into profiles (profile_id, label) values ('p', 'P')"
    assert "permission denied" in stack.psql("create table public.t ()", role="ontology_app")
    assert "must be owner" in stack.psql("drop table public.drafts", role="ontology_app")
    revision = "update alembic_version set version_num = 'x'"
    assert "permission denied" in stack.psql(revision, role="ontology_app")
    assert stack.psql(row, role="ontology_app") == "INSERT 0 1"
    temporary = "create temporary table t ()"
    assert stack.psql(temporary, role="ontology_app") == "CREATE TABLE"
    for written in (temporary, row):
        refused = stack.psql(f"begin read write; {written}", role="ontology_read")
        assert "permission denied" in refused
    assert stack.psql("select label from profiles", role="ontology_read") == "P"
    assert (
        stack.psql("select rolsuper from pg_roles where rolname ~ 'ontology'").split() == ["f"] * 3
    )


def test_an_edit_of_the_code_is_live_and_leaves_up_nothing_to_do(stack: Stack) -> None:
    main = stack.root / "app" / "main.py"
    text = main.read_text()
    main.write_text(
        f"{text}\n\n@app.get('/edited')\nasync def edited() -> str:\n    return 'live'\n"
    )
    eventually(lambda: stack.get("/edited") == (200, '"live"'))
    stack.unchanged()
    main.write_text(text)
    eventually(lambda: stack.get("/edited")[0] == 404)


def test_a_service_that_does_not_become_healthy_fails_up_with_its_log_and_recovers(
    stack: Stack,
) -> None:
    main = stack.root / "app" / "main.py"
    text = main.read_text()
    main.write_text("raise RuntimeError('broken on purpose')\n")
    stack.config(startTimeout="15")
    docker("rm", "--force", stack.container("backend"))
    said = stack.up(fails=True)
    assert "backend is not healthy after 15 s" in said
    assert "broken on purpose" in said
    assert "Traceback" not in said.split("The end of its log")[0]
    main.write_text(text)
    stack.pulumi("config", "rm", "ontology-hub:startTimeout")
    stack.up()
    assert all_healthy(stack)


def test_a_frozen_service_is_restarted_by_the_next_up(stack: Stack) -> None:
    docker("exec", "--user=10001", stack.container("backend"), "sh", "-c", "kill -STOP -1")
    eventually(lambda: stack.health()["backend"] == "unhealthy", seconds=120)
    said = stack.up()
    assert "backend was unhealthy: restarting it" in said
    assert all_healthy(stack)


def test_kept_volumes_are_reached_again(stack: Stack) -> None:
    stack.psql("insert into modules (module_id, label) values ('kept', 'Kept')")
    stack.config(protectData="true")
    stack.up()
    stack.destroy()
    assert not stack.ids()
    stack.up()
    assert stack.psql("select label from modules where module_id = 'kept'") == "Kept"
    assert stack.get("/health")[0] == 200


def test_a_lost_state_and_passphrase_cost_no_data(stack: Stack) -> None:
    """The README's way: make recover, make up; also when nothing of .hub/ is left."""
    for lost in ("passphrase", "everything"):
        (stack.root / ".hub" / "passphrase").write_text(f"another one, after {lost}")
        if lost == "everything":
            shutil.rmtree(stack.root / ".hub" / "state")
            (stack.root / ".hub" / "state").mkdir()
        stack.up(fails=True)
        said = stack.hub("recover")
        assert f"ontology-hub-{stack.name}-pgdata" in said
        said = stack.hub("up")
        assert f"http://127.0.0.1:{8000 + stack.offset}" in said
        assert stack.psql("select label from modules where module_id = 'kept'") == "Kept"
        assert stack.get("/health")[0] == 200


def test_make_down_refuses_while_protect_data_is_set_but_not_deployed(stack: Stack) -> None:
    stack.config(protectData="false")
    stack.up()
    stack.config(protectData="true")
    said = stack.hub("down", fails=True)
    assert "protectData is set but not deployed yet" in said
    assert stack.health()
    stack.config(protectData="false")


def test_make_down_removes_the_rest_of_a_stack_that_was_half_removed_by_hand(stack: Stack) -> None:
    files = stack.files_volume("backend")
    docker("rm", "--force", stack.container("backend"), stack.container("backend-files"))
    docker("volume", "rm", files)
    stack.hub("down")
    assert not stack.ids()
    for kind in ("volume", "network"):
        label = f"--filter=label=ontology-hub.stack={stack.name}"
        assert docker(kind, "ls", "--quiet", label) == ""
