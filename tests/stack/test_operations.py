"""Every entry of docs/operations.md mends the fault that it is about, with its own commands."""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.stack.operations import entries, follow
from tests.stack.stack_under_test import ROOT, SERVICES, Stack, docker, eventually

Fault = Callable[[Stack, ExitStack], None]

# Faults of disks and engines are made by slow tests, which follow the entry there.
ELSEWHERE = {
    "A newer release of the hub is there": "tests/faults/test_older_release.py",
    "The backup service is unhealthy": "tests/stack/test_backup.py",
    "The certificate expires": "tests/stack/test_proxy.py",
    "The disk of the database is full": "tests/stack/test_full_disk.py",
    "The engine was restarted, or the machine was rebooted": "tests/faults/test_engine.py",
}


def a_service_that_fails(stack: Stack, mended: ExitStack) -> None:
    main = stack.root / "app" / "main.py"
    text = main.read_text()
    main.write_text("raise RuntimeError('broken on purpose')\n")
    docker("rm", "--force", stack.container("backend"))
    assert "broken on purpose" in stack.hub("up", fails=True)
    main.write_text(text)


def a_failed_migration(stack: Stack, mended: ExitStack) -> None:
    file = stack.root / "migrations" / "env.py"
    text = file.read_text()
    file.write_text("raise RuntimeError('broken on purpose')\n")
    assert "the job migrations failed" in stack.hub("up", fails=True)
    file.write_text(text)


def a_killed_update(stack: Stack, mended: ExitStack) -> None:
    stack.config(debug="true")
    update = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview"],
        cwd=stack.root,
        env=stack.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert update.stdout is not None
    for line in update.stdout:
        if "backend replacing" in line or "backend deleting" in line:
            break
    update.kill()
    update.stdout.close()
    update.wait()
    assert "locked" in stack.up(fails=True)


def a_lock_of_another_machine(stack: Stack, mended: ExitStack) -> None:
    folder = stack.root / ".hub/state/.pulumi/locks/organization/ontology-hub" / stack.name
    folder.mkdir(parents=True, exist_ok=True)
    lock = {
        "pid": 1,
        "username": "alice",
        "hostname": "another-machine",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    (folder / "5f4dcc3b-0000-4000-8000-000000000000.json").write_text(json.dumps(lock))
    assert "another-machine" in stack.hub("up", fails=True)


def changes_by_hand(stack: Stack, mended: ExitStack) -> None:
    docker("rm", "--force", stack.container("backend"))
    docker("stop", stack.container("pgadmin"))


def a_lost_state(stack: Stack, mended: ExitStack) -> None:
    (stack.root / ".hub" / "passphrase").write_text("another one")
    shutil.rmtree(stack.root / ".hub" / "state")
    (stack.root / ".hub" / "state").mkdir()
    stack.hub("up", fails=True)


def a_taken_port(stack: Stack, mended: ExitStack) -> None:
    docker("rm", "--force", stack.container("pgadmin"))
    listener = mended.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 5050 + stack.offset))
    listener.listen()
    assert "is in use" in stack.hub("up", fails=True)


def a_volume_of_another_major_version(stack: Stack, mended: ExitStack) -> None:
    stack.hub("backup")
    data = "/var/lib/postgresql/data/PG_VERSION"
    docker("exec", "--user=999", stack.container("db"), "sh", "-c", f"echo 16 > {data}")
    assert "is of PostgreSQL 16" in stack.hub("up", fails=True)


def nothing(stack: Stack, mended: ExitStack) -> None:
    pass


FAULTS: dict[str, Fault] = {
    "A service does not become healthy": a_service_that_fails,
    "A migration or an import failed": a_failed_migration,
    "Pulumi was killed, or the machine went down during an update": a_killed_update,
    "Another update is running": a_lock_of_another_machine,
    "Somebody changed, stopped or removed a container by hand": changes_by_hand,
    "A password or secret is known to somebody": nothing,
    "The passphrase or the state is lost": a_lost_state,
    "A dump is to be made, or brought back": nothing,
    "The data volume is of another major version of PostgreSQL": a_volume_of_another_major_version,
    "The stack is to go, its data is to stay": nothing,
    "A port is in use by another program": a_taken_port,
}


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(hotReload="true")
    stack.hub("up")
    stack.psql("insert into modules (module_id, label) values ('kept', 'Kept')")
    yield stack
    stack.config(protectData="false")
    stack.hub("up")
    stack.hub("down")
    assert not any(stack.objects().values())


def test_every_entry_is_followed_by_a_test() -> None:
    assert entries().keys() == FAULTS.keys() | ELSEWHERE.keys()
    for heading, file in ELSEWHERE.items():
        assert heading in (ROOT / file).read_text(), file


@pytest.mark.parametrize("heading", FAULTS)
def test_an_entry_mends_its_fault_and_costs_no_data(stack: Stack, heading: str) -> None:
    with ExitStack() as mended:
        FAULTS[heading](stack, mended)
        said = follow(stack, heading)
        stack.offset = int(stack.pulumi("config", "get", "ontology-hub:portOffset"))
        if heading.startswith("The stack is to go"):
            assert f"kept its volumes: ontology-hub-{stack.name}-pgdata" in said
            assert not stack.ids()
            stack.hub("up")
        assert stack.health() == dict.fromkeys(SERVICES, "healthy")
        eventually(lambda: stack.get("/health")[0] == 200)
        assert stack.psql("select label from modules where module_id = 'kept'") == "Kept"
        stack.unchanged()
