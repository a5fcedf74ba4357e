"""A stack that is measured: by Prometheus and its exporters, on a network of their own."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from infra.grafana import rules
from infra.grafana.dashboards import traffic
from tests.policy.container import running
from tests.policy.rules import violations
from tests.stack.dumps import all_healthy, backup, create_draft, rows
from tests.stack.passwords import configure, hard
from tests.stack.prometheus import address, ask, query, targets
from tests.stack.stack_under_test import Stack, docker, eventually

MEASURING = {"prometheus", "postgres-exporter", "node-exporter"}
JOBS = {"backend", "backup", "proxy", "postgres", "disks", "prometheus"}
MARK = "a-marked-password"
ROTATED = ("postgresPassword", "ownerPassword", "appPassword", "readPassword")


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a file system that is told from every other by its size."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    disk = tmp_path_factory.mktemp("small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=77m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack], small_disk: Path) -> Iterator[Stack]:
    stack = new_stack()
    stack.config(
        hotReload="false",
        observability="true",
        backupSchedule="15 3 * * *",
        backupDir=str(small_disk),
    )
    stack.hub("up")
    create_draft(stack)
    yield stack
    stack.hub("down")
    assert not any(stack.objects().values())


def test_every_target_is_up(stack: Stack) -> None:
    assert all_healthy(stack)
    assert set(stack.health()) > MEASURING
    eventually(lambda: targets(stack) == {job: {"up"} for job in JOBS}, seconds=60)
    assert query(stack, "pg_up") == {(): 1}
    # What a stack without a proxy cannot be asked (test_dashboards.py).
    assert query(stack, traffic.PROXY_ANSWERS)
    assert [query(stack, rule.value) for rule in rules.PROXY] == [{(): 1}]
    stack.unchanged()


def test_a_backend_that_is_out_is_not_up(stack: Stack) -> None:
    """What an alert is to ask: without an address, the target is gone altogether."""
    docker("stop", stack.ids()["backend"])
    eventually(lambda: "up" not in targets(stack).get("backend", set()), seconds=90)
    eventually(lambda: query(stack, 'absent(up{job="backend"} == 1)') == {(): 1}, seconds=60)
    stack.up()
    eventually(lambda: targets(stack).get("backend") == {"up"}, seconds=60)


def test_what_measures_keeps_every_rule_for_containers(stack: Stack) -> None:
    assert violations(running(stack.inspect(role)) for role in MEASURING) == []


def test_nobody_outside_reaches_what_measures(stack: Stack) -> None:
    published = stack.container("published")
    for role in MEASURING:
        state = stack.inspect(role)
        assert published not in state["NetworkSettings"]["Networks"], role
        assert not state["HostConfig"]["PortBindings"], role
    places = [("prometheus", 9090), (address(stack, "prometheus", "tools"), 9090)]
    places += [(address(stack, role, "metrics"), 9100) for role in ("backend", "proxy")]
    for host, port in places:
        assert connected(stack, "tools" if port == 9090 else "metrics", host, port) == ""
        said = connected(stack, "published", host, port)
        assert "TimeoutError" in said or "gaierror" in said, said


def test_prometheus_can_be_neither_reloaded_nor_emptied_by_those_who_reach_it(
    stack: Stack,
) -> None:
    place = f"http://{address(stack, 'prometheus', 'tools')}:9090"
    for path in ("/-/reload", "/-/quit", "/api/v1/admin/tsdb/delete_series?match[]=up"):
        refused = httpx.post(place + path)
        assert refused.is_error
        assert "not enabled" in refused.text or "admin APIs disabled" in refused.text
    assert stack.health()["prometheus"] == "healthy"


def test_the_disks_are_those_of_the_data_and_of_the_dumps(stack: Stack, small_disk: Path) -> None:
    data = ("exec", stack.container("db"), "df", "-B1", "--output=size", "/var/lib/postgresql/data")
    measured = {
        mountpoint: value
        for (*_, mountpoint), value in query(stack, "node_filesystem_size_bytes").items()
    }
    assert measured == {
        "/disks/data": int(docker(*data).split()[1]),
        "/disks/backups": shutil.disk_usage(small_disk).total,
    }


def test_the_database_tells_its_connections_sizes_locks_and_hits(stack: Stack) -> None:
    for metric in (
        'pg_stat_activity_count{datname="ontology_hub"}',
        'pg_database_size_bytes{datname="ontology_hub"}',
        'pg_locks_count{datname="ontology_hub"}',
        'pg_stat_database_blks_hit{datname="ontology_hub"}',
        'pg_stat_user_tables_n_dead_tup{relname="drafts"}',
        'pg_statio_user_tables_heap_blocks_hit{relname="drafts"}',
        "pg_long_running_transactions",
        "pg_stat_checkpointer_num_timed_total",
        "pg_stat_bgwriter_buffers_alloc_total",
        "pg_settings_max_connections",
        "pg_wal_size_bytes",
    ):
        assert query(stack, metric), metric


def test_the_exporter_can_read_and_no_more(stack: Stack) -> None:
    sessions = "select distinct usename from pg_stat_activity"
    named = f"{sessions} where application_name = 'postgres-exporter'"
    assert stack.psql(named, role="postgres") == "ontology_read"
    for statement in (
        "delete from drafts",
        "create table t ()",
        "select pg_stat_statements_reset()",
        "select pg_read_file('/etc/passwd')",
    ):
        said = stack.psql(f"begin read write; {statement}", role="ontology_read")
        assert "permission denied" in said, statement


def test_statements_are_counted_and_their_text_is_for_who_may_look(stack: Stack) -> None:
    others = "from pg_stat_statements where userid <> current_user::regrole"
    readable = f"select count(*) {others} and query <> '<insufficient privilege>'"
    assert int(stack.psql(readable, role="ontology_read")) > 5
    assert int(stack.psql(f"select count(*) {others}", role="ontology_app")) > 5
    assert stack.psql(readable, role="ontology_app") == "0"
    drafts = "select sum(calls) from pg_stat_statements where query ~* 'insert into drafts'"
    assert int(stack.psql(drafts, role="ontology_read")) == 1


def test_a_new_password_reaches_the_exporter_and_no_statistics(stack: Stack) -> None:
    before = stack.ids()
    configure(stack, **{key: f"{MARK}{hard(key)}"[:128] for key in ROTATED})
    with ThreadPoolExecutor() as pool, held_roles(stack):
        update = pool.submit(stack.up)
        waits = "select count(*) from pg_locks where relation = 'pg_authid'::regclass"
        eventually(
            lambda: stack.psql(f"{waits} and not granted", "ontology_read") == "1", seconds=120
        )
        sessions = stack.psql("table pg_stat_activity", role="ontology_read")
        assert "lock table pg_authid" in sessions
        assert MARK not in sessions
    update.result()
    assert stack.ids()["postgres-exporter"] != before["postgres-exporter"]
    assert stack.ids()["db"] == before["db"]
    assert all_healthy(stack)
    told = "select count(*) from pg_stat_statements where query ~* 'alter role|password'"
    assert stack.psql(f"{told} and userid = 10", role="postgres") == "0"
    marked = f"from pg_stat_statements where position('{MARK}' in query) > 0"
    assert stack.psql(f"select count(*) {marked}", role="postgres") == "0"
    # By someone's hand, too: utility statements are not kept at all.
    stack.psql(f"alter role ontology_read password '{MARK}'", role="postgres")
    assert stack.psql(f"select count(*) {marked}", role="postgres") == "0"
    stack.run(["pulumi", "config", "rm", "ontology-hub:readPassword"])
    stack.up()
    assert all_healthy(stack)


def test_what_was_measured_outlives_its_container(stack: Stack) -> None:
    # The exporter may have been made anew a moment ago, and not been asked since.
    eventually(lambda: query(stack, "pg_up") == {(): 1}, seconds=60)
    then = str(time.time())
    measured = query(stack, "pg_up", time=then)
    docker("rm", "--force", stack.container("prometheus"))
    stack.up()
    eventually(lambda: targets(stack).get("postgres") == {"up"}, seconds=60)
    assert query(stack, "pg_up", time=then) == measured


def test_prometheus_bounds_what_it_keeps(stack: Stack) -> None:
    flags = ask(stack, "status/flags")
    assert flags["storage.tsdb.retention.time"] == "15d"
    assert flags["storage.tsdb.retention.size"] == "1GiB"
    assert int(flags["query.max-samples"]) * int(flags["query.max-concurrency"]) * 16 < 512 << 20


def test_it_is_switched_off_and_on_with_the_data_kept_and_dumps_fit_both(stack: Stack) -> None:
    before, measured = rows(stack), backup(stack)
    stack.config(observability="false")
    stack.hub("up")
    assert rows(stack) == before
    assert all_healthy(stack)
    assert not MEASURING & set(stack.ids())
    assert not any("metrics" in name or "prometheus" in name for name in names(stack))
    for role in ("backend", "proxy"):
        assert "METRICS_PORT" not in str(stack.inspect(role)["Config"]["Env"])
    assert statistics(stack) == ("", "0", "f")
    plain = backup(stack)
    stack.hub("restore", str(measured))
    assert rows(stack) == before
    assert statistics(stack) == ("", "0", "f")
    assert all_healthy(stack)

    stack.config(observability="true")
    stack.hub("up")
    assert rows(stack) == before
    assert statistics(stack) == ("pg_stat_statements", "1", "t")
    for dump in (plain, measured):
        stack.hub("restore", str(dump))
        assert rows(stack) == before
        assert statistics(stack) == ("pg_stat_statements", "1", "t")
        assert stack.psql("select count(*) > 0 from pg_stat_statements", "ontology_read") == "t"
    assert all_healthy(stack)
    eventually(lambda: targets(stack) == {job: {"up"} for job in JOBS}, seconds=60)


def connected(stack: Stack, network: str, host: str, port: int) -> str:
    """Return what a connection from a network of the stack ends with; nothing if it is made."""
    code = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
    run = (
        "run",
        "--rm",
        f"--network={stack.container(network)}",
        stack.inspect("backend")["Image"],
    )
    return docker(*run, "python", "-c", code, host, str(port), check=False)


@contextmanager
def held_roles(stack: Stack) -> Iterator[None]:
    """Let everybody who changes a role wait."""
    hold = "begin; lock table pg_authid in share mode; select pg_sleep(300)"
    psql = ("psql", "--username=postgres", f"--command={hold}")
    holder = subprocess.Popen(["docker", "exec", stack.container("db"), *psql])
    try:
        yield
    finally:
        end = "select pg_terminate_backend(pid) from pg_stat_activity where query = "
        stack.psql(f"{end} $${hold}$$", role="postgres")
        holder.wait()


def names(stack: Stack) -> list[str]:
    """Return the names of the stack's networks and volumes."""
    label = f"--filter=label=ontology-hub.stack={stack.name}"
    return [
        name
        for kind in ("network", "volume")
        for name in docker(kind, "ls", label, "--format={{.Name}}").split()
    ]


def statistics(stack: Stack) -> tuple[str, ...]:
    """Return what the server preloads, the number of its extensions, and who may look at all."""
    return tuple(
        stack.psql(sql, role="postgres")
        for sql in (
            "show shared_preload_libraries",
            "select count(*) from pg_extension where extname = 'pg_stat_statements'",
            "select pg_has_role('ontology_read', 'pg_monitor', 'MEMBER')",
        )
    )
