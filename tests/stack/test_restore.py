"""The drill on a real stack: what a dump holds comes back, whatever happens meanwhile."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from backup.names import checksum_file
from tests.stack.dumps import all_healthy, backup, create_draft, databases, rows
from tests.stack.stack_under_test import ROOT, Stack, docker, eventually

ONTOLOGY = ROOT / "tests/app/fixtures/ontologies/apiary-json-b"
FIRST_REVISION = "c069ae64b4e5"


def give_a_checksum(dump: Path) -> Path:
    digest = hashlib.sha256(dump.read_bytes()).hexdigest()
    checksum_file(dump).write_text(f"{digest}  {dump.name}\n")
    return dump


def runs_of_jobs(stack: Stack) -> set[str]:
    """Return what is kept of the jobs' runs; each has to have ended well."""
    runs = set(stack.psql("select job, ended_at, succeeded from job_runs").splitlines())
    assert {run.split("|")[0] for run in runs} == {"migrations", "importer"}
    assert all(run.endswith("|t") for run in runs)
    return runs


@pytest.fixture(scope="module")
def stack(
    new_stack: Callable[[], Stack], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    source = tmp_path_factory.mktemp("sources") / "apiary"
    shutil.copytree(ONTOLOGY, source)
    subprocess.run(["chmod", "-R", "go+rX", source], check=True)
    stack = new_stack()
    stack.config(hotReload="true", ontologyPath=str(source))
    stack.up()
    yield stack
    stack.hub("down")
    assert not any(stack.objects().values())


def test_what_was_destroyed_comes_back_row_by_row_in_a_new_stack(stack: Stack) -> None:
    draft = create_draft(stack)
    before, runs = rows(stack), runs_of_jobs(stack)
    assert int(before["drafts"].split("|")[0]) == 1
    assert int(before["entities"].split("|")[0]) > 5
    dump = backup(stack)
    assert dump.stat().st_mode & 0o777 == 0o600
    assert dump.parent.stat().st_mode & 0o777 == 0o700
    subprocess.run(["sha256sum", "--check", checksum_file(dump)], cwd=dump.parent, check=True)
    stack.hub("down")
    assert not any(stack.objects().values())
    assert dump.exists()

    said = stack.hub("restore", str(dump))
    assert all_healthy(stack)
    # The jobs have run since: what they would not do to the old database, they did not do to it.
    assert rows(stack) == before
    assert runs <= runs_of_jobs(stack)
    assert re.search(r"drafts +0 rows -> +1", said), said
    assert stack.get(draft)[0] == 200
    assert databases(stack) == {"ontology_hub"}
    stack.unchanged()


def test_a_restore_into_a_running_stack_takes_back_what_came_after_the_dump(stack: Stack) -> None:
    before = rows(stack)
    dump = backup(stack)
    draft = create_draft(stack)
    backend = stack.ids()["backend"]
    said = stack.hub("restore", str(dump.relative_to(stack.root)))
    assert rows(stack) == before
    assert all_healthy(stack)
    assert stack.ids()["backend"] == backend
    assert stack.get(draft)[0] == 404
    # What it took back was saved before.
    (saved,) = re.findall(r"^made (\S+)", said, re.MULTILINE)
    stack.hub("restore", str(stack.root / saved))
    assert stack.get(draft)[0] == 200


def test_owners_and_rights_are_as_before_a_restore(stack: Stack) -> None:
    owners = "select distinct tableowner from pg_tables where schemaname = 'public'"
    assert stack.psql(owners) == "ontology"
    extension = "select rolname from pg_extension e join pg_roles r on r.oid = extowner"
    assert "ontology" in stack.psql(f"{extension} where extname = 'pg_trgm'")
    assert stack.psql("select count(*) >= 0 from drafts", role="ontology_read") == "t"
    deleted = stack.psql("begin read write; delete from drafts", role="ontology_read")
    assert "permission denied" in deleted
    assert "permission denied" in stack.psql("create table t ()", role="ontology_app")
    anybody = "select has_database_privilege('public', 'ontology_hub', 'connect')"
    assert stack.psql(anybody) == "f"


def test_a_dump_of_an_older_schema_is_migrated_by_itself(stack: Stack) -> None:
    before = rows(stack)
    head = stack.outputs()["migration_revision"]
    password = stack.root / "owner"
    password.write_text(httpx.URL(stack.outputs()["database_url"]).password)
    subprocess.run(
        [sys.executable, "-m", "alembic", "downgrade", FIRST_REVISION],
        cwd=stack.root,
        env={
            **os.environ,
            "DATABASE_HOST": "127.0.0.1",
            "DATABASE_PORT": str(5432 + stack.offset),
            "DATABASE_NAME": "ontology_hub",
            "DATABASE_USER": "ontology",
            "DATABASE_PASSWORD_FILE": str(password),
        },
        check=True,
    )
    dump = backup(stack)
    assert f"-{FIRST_REVISION}.dump" in dump.name
    stack.hub("restore", str(dump))
    after = rows(stack)
    kept = ("alembic_version", "entities", "modules", "profiles", "drafts")
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}
    assert after.keys() == before.keys()
    assert stack.outputs()["migration_revision"] == head
    assert all_healthy(stack)


def test_what_cannot_be_restored_is_refused_with_one_message_and_nothing_is_changed(
    stack: Stack, tmp_path: Path
) -> None:
    good = backup(stack)
    version = stack.psql("select version_num from alembic_version")
    stack.psql("update alembic_version set version_num = 'fromthefuture'")
    newer = backup(stack)
    stack.psql(f"update alembic_version set version_num = '{version}'")  # noqa: S608
    content = good.read_bytes()
    middle = len(content) // 2

    def file(name: str, changed: bytes) -> Path:
        (path := tmp_path / name).write_bytes(changed)
        return path

    # Among the rows, which stand behind the table of contents and are compressed.
    place = len(content) * 3 // 4
    flipped = content[:place] + bytes(64) + content[place + 64 :]
    damaged = file("damaged.dump", flipped)
    shutil.copy(checksum_file(good), checksum_file(damaged))
    foreign = subprocess.run(
        [
            *("docker", "exec", stack.container("db")),
            *("pg_dump", "--format=custom", "--username=postgres", "postgres"),
        ],
        capture_output=True,
        check=True,
    ).stdout
    refused = {
        damaged: "does not match its checksum",
        give_a_checksum(file("cut.dump", content[: middle * 2 - 100])): "cannot be read",
        give_a_checksum(file("flipped.dump", flipped)): "cannot be read",
        give_a_checksum(file("text.dump", b"-- SQL")): "cannot be read",
        give_a_checksum(file("foreign.dump", foreign)): "not of an Ontology Hub",
        give_a_checksum(
            file("later.dump", re.sub(rb"17(\.\d+ )", rb"18\1", content, count=1))
        ): "was made by PostgreSQL 18",
        newer: "at revision fromthefuture, which this version of the code does not know",
        file("bare.dump", content): "has no checksum beside it",
        tmp_path / "missing.dump": "there is no file",
    }
    before, ids = rows(stack), stack.ids()
    for dump, reason in refused.items():
        said = stack.hub("restore", str(dump), fails=True)
        assert reason in said
        assert said.count("error:") - said.count("pg_restore: error:") == 1, said
        assert "to mend it: " in said
        assert "Traceback" not in said
        assert (rows(stack), stack.ids()) == (before, ids)
    stack.hub("restore", str(tmp_path / "bare.dump"), "1")
    assert rows(stack) == before


def test_a_restore_that_is_killed_leaves_the_old_database_and_can_be_made_again(
    stack: Stack,
) -> None:
    dump = backup(stack)
    before = rows(stack)
    # Big enough to be caught in the middle; gone with the restore.
    stack.psql("create table filler as select md5(n::text) from generate_series(1, 400000) n")
    big = backup(stack)
    stack.psql("drop table filler")
    killed = subprocess.Popen(
        [sys.executable, "-m", "toolchain.hub", "restore", str(big)],
        cwd=stack.root,
        env=stack.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: "ontology_hub_restored" in databases(stack), seconds=120)
    killed.send_signal(signal.SIGSTOP)
    said = stack.hub("restore", str(dump), fails=True)
    assert f"another restore of stack {stack.name} is running" in said
    killed.kill()
    killed.wait()
    assert "ontology_hub_restored" in databases(stack)
    assert rows(stack) == before
    assert stack.get("/health")[0] == 200

    # A kill after the swap leaves the replaced one behind: either way `up` clears up.
    stack.psql("create database ontology_hub_replaced", role="postgres")
    stack.hub("up")
    assert databases(stack) == {"ontology_hub"}
    assert rows(stack) == before
    stack.hub("restore", str(dump))
    assert rows(stack) == before
    assert all_healthy(stack)


def test_a_database_that_cannot_be_saved_is_replaced_only_by_force_and_kept(stack: Stack) -> None:
    dump = backup(stack)
    before = rows(stack)
    for damage in (
        # What a lost file of a table is to pg_dump.
        "update pg_class set relfilenode = 1 where relname = 'drafts'",
        None,
    ):
        if damage:
            stack.psql(f"set allow_system_table_mods = on; {damage}", role="postgres")
        else:
            sql = "drop database ontology_hub with (force)"
            docker(
                *("exec", stack.container("db"), "psql", "--username=postgres"),
                f"--command={sql}",
            )
        said = stack.hub("restore", str(dump), fails=True)
        assert "what is there now is not saved, and nothing was changed" in said
        assert "FORCE=1" in said
        assert "Traceback" not in said
        stack.hub("restore", str(dump), "1")
        assert rows(stack) == before
        assert all_healthy(stack)
        assert databases(stack) == {"ontology_hub", "ontology_hub_unsaved"}
    stack.psql("drop database ontology_hub_unsaved", role="postgres")


def test_a_volume_of_another_major_version_is_refused_with_the_way_out(
    new_stack: Callable[[], Stack], stack: Stack
) -> None:
    other = new_stack()
    volume = other.container("pgdata")
    docker("volume", "create", f"--label=ontology-hub.stack={other.name}", volume)
    image = stack.inspect("db")["Image"]
    write = ["sh", "-c", "echo 16 >/data/PG_VERSION"]
    docker("run", "--rm", "--user=0", f"--volume={volume}:/data", "--entrypoint=", image, *write)
    for said in (other.up(fails=True), other.hub("up", fails=True)):
        assert f"the data volume {volume} is of PostgreSQL 16" in said
        assert "runs PostgreSQL 17, which cannot read it; nothing was changed" in said
        assert f"docker volume rm --force {volume}" in said
        assert "Traceback" not in said
    assert other.objects()["Container"] == []


def test_protected_volumes_stay_on_destroy_and_it_says_so(stack: Stack) -> None:
    before = rows(stack)
    stack.config(protectData="true")
    stack.up()
    said = stack.hub("down")
    assert "[retain]" in said  # which plain `pulumi destroy` says too
    assert f"kept its volumes: ontology-hub-{stack.name}-pgdata" in said
    stack.config(protectData="false")
    stack.up()
    assert rows(stack) == before
