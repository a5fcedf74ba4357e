"""Every query of Grafana's dashboards and alert rules, asked of a real stack as Grafana would.

No registry here has Grafana, so its place is taken by a stand-in, which holds the same files in the
same place; `grafana_client` reads them there, and asks the real Prometheus and the real PostgreSQL.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.stack.dumps import DRAFT, all_healthy
from tests.stack.grafana_client import Found, Grafana
from tests.stack.grafana_stand_in import grafana_image
from tests.stack.passwords import configure, hard
from tests.stack.prometheus import ask, query
from tests.stack.stack_under_test import Stack, docker, eventually

# In the stack's own copy of the project.
ONTOLOGY = "tests/app/fixtures/ontologies/apiary-json-a"
REQUESTS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/api/v1/entities/search?q=a", None),
    ("GET", "/api/v1/entities/category/Hive", None),
    ("GET", "/api/v1/entities/category/Nowhere", None),
    ("GET", "/nowhere", None),
    ("POST", "/api/v1/drafts", {"payload": {}}),
    ("POST", "/api/v1/drafts", {"payload": DRAFT}),
)

# What shows requests or what they leave behind: not the same after a minute of them.
TRAFFIC = {
    "hub-start": {"Requests", "95 % are answered within", "Open drafts"},
    "hub-traffic": {
        "Requests",
        "95 % are answered within",
        "Requests by route",
        "Requests by status",
        "Latency",
        "Latency by route",
        "Refused requests by status",
        "Rate-limit refusals",
        "Drafts by status",
    },
    "hub-database": {
        "Transactions",
        "Blocks read",
        "Rows written",
        "Statements that take most time",
    },
    "hub-ontology": {"Open drafts", "Drafts"},
}

FAILING = '''"""A migration that fails."""

revision = "ffffffffffff"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    raise RuntimeError("broken on purpose")


def downgrade() -> None:
    pass
'''


@dataclass
class Hub:
    """A stack that was used for a minute, and what its panels showed before and after."""

    stack: Stack
    grafana: Grafana
    idle: dict[tuple[str, str], list[Found]]
    used: dict[tuple[str, str], list[Found]]


@pytest.fixture(scope="module")
def hub(new_stack: Callable[[], Stack]) -> Iterator[Hub]:
    with grafana_image():
        stack = new_stack()
        stack.config(
            hotReload="true",
            grafana="true",
            ontologyPath=ONTOLOGY,
            backupSchedule="15 3 * * *",
            logLevel="WARNING",
        )
        # Of Grafana's own variables it has some, which are not to be expanded.
        configure(stack, readPassword=hard("readPassword"))
        stack.hub("up")
        grafana = Grafana(stack)
        eventually(lambda: measured(stack), seconds=90)
        idle = shown(grafana)
        use(stack, seconds=60)
        yield Hub(stack, grafana, idle, used=shown(grafana))
        stack.hub("down")
    assert not any(stack.objects().values())


def measured(stack: Stack) -> bool:
    """Tell whether there are two samples of each target: a rate needs them."""
    found = query(stack, "min by (job) (count_over_time(up[5m]))")
    samples = query(stack, "min(count_over_time(hub_http_requests_in_progress[5m]))")
    return len(found) > 0 and min([*found.values(), *samples.values()], default=0) >= 2


def use(stack: Stack, seconds: int) -> None:
    """Read, ask for what is not there, and create drafts, some of which are refused."""
    seen: Counter[int] = Counter()
    deadline = time.monotonic() + seconds
    with httpx.Client(base_url=stack.api_url, timeout=20) as client:
        while time.monotonic() < deadline:
            for method, path, body in REQUESTS:
                seen[client.request(method, path, json=body).status_code] += 1
            time.sleep(0.2)
    assert {200, 201, 404, 422, 429} <= seen.keys(), seen
    time.sleep(16)  # the next scrape


def shown(grafana: Grafana) -> dict[tuple[str, str], list[Found]]:
    """Return what the last point of each panel shows, for those that show traffic."""
    moment = time.time()
    return {
        (uid, title): [grafana.last(target, moment) for target in queries]
        for (uid, title), queries in grafana.panels().items()
        if title in TRAFFIC.get(uid, set())
    }


def test_every_query_of_every_panel_finds_something(hub: Hub) -> None:
    panels = hub.grafana.panels()
    empty = [
        f"{uid}: {title}: {target['refId']}"
        for (uid, title), queries in panels.items()
        for target in queries
        if not hub.grafana.run(target)
    ]
    assert not empty
    assert {uid for uid, _ in panels} == {
        "hub-start",
        "hub-traffic",
        "hub-database",
        "hub-ontology",
    }


def test_every_metric_that_is_asked_for_is_measured(hub: Hub) -> None:
    """Not so if its name is mistyped, where a query says 0 instead of nothing."""
    asked = [
        *(
            one["expr"]
            for queries in hub.grafana.panels().values()
            for one in queries
            if "expr" in one
        ),
        *(rule["data"][0]["model"]["expr"] for rule in hub.grafana.rules().values()),
    ]
    names = set(re.findall(r"\b(?:hub|pg|node|process)_\w+|\bup\b", " ".join(asked)))
    assert len(names) > 20
    assert names - set(ask(hub.stack, "label/__name__/values")) == set()


def test_what_shows_traffic_changes_with_it(hub: Hub) -> None:
    assert {(uid, title) for uid, titles in TRAFFIC.items() for title in titles} == hub.used.keys()
    assert not [panel for panel, found in hub.used.items() if found == hub.idle[panel]]


def test_no_alert_fires_in_health(hub: Hub) -> None:
    assert all_healthy(hub.stack)
    rules = hub.grafana.rules()
    assert len(rules) == 11
    assert {uid for uid in rules if not hub.grafana.values(uid)} == set()
    assert {uid: firing for uid in rules if (firing := hub.grafana.firing(uid))} == {}


def test_the_data_source_reads_as_the_role_that_only_reads(hub: Hub) -> None:
    said = hub.grafana.run_sql("SELECT current_user AS role, current_setting('server_version_num')")
    ((role, version),) = said
    assert role == "ontology_read"
    (source,) = [
        one for one in hub.grafana.sources.values() if "postgresVersion" in one["jsonData"]
    ]
    assert source["jsonData"]["postgresVersion"] == int(version) // 10000 * 100


def test_a_failed_migration_is_told_until_the_next_one_succeeds(hub: Hub) -> None:
    head = hub.stack.psql("select version_num from alembic_version")
    file = hub.stack.root / "migrations" / "versions" / "2999_fails.py"
    file.write_text(FAILING.format(head=head))
    assert "broken on purpose" in hub.stack.up(fails=True)
    eventually(lambda: fires(hub, "hub-migration-failed"), seconds=60)
    assert not fires(hub, "hub-down")
    file.unlink()
    hub.stack.up()
    eventually(lambda: not fires(hub, "hub-migration-failed"), seconds=60)


def test_requests_that_fail_are_told(hub: Hub) -> None:
    docker("stop", hub.stack.container("db"))
    url = f"{hub.stack.api_url}/api/v1/entities/category/Hive"

    def status(_: int) -> int:
        return httpx.get(url, timeout=20).status_code

    with ThreadPoolExecutor(20) as clients:  # each is told after seconds only

        def fails() -> bool:
            assert set(clients.map(status, range(20))) <= {503, 429}
            return fires(hub, "hub-errors")

        eventually(fails, seconds=120)
    hub.stack.up()


def test_what_is_stopped_is_told(hub: Hub) -> None:
    told = {
        "backend": "hub-down",
        "db": "hub-database-down",
        "node-exporter": "hub-target-down",
    }
    for role in told:
        docker("stop", hub.stack.container(role))
    for uid in told.values():
        eventually(lambda uid=uid: fires(hub, uid), seconds=90)  # type: ignore[misc]
    hub.stack.up()
    for uid in told.values():
        eventually(lambda uid=uid: not fires(hub, uid), seconds=90)  # type: ignore[misc]


def fires(hub: Hub, uid: str) -> bool:
    return bool(hub.grafana.firing(uid))


def test_without_observability_what_is_left_finds_something_too(hub: Hub) -> None:
    hub.stack.config(observability="false")
    hub.stack.up()
    grafana = Grafana(hub.stack)
    panels = grafana.panels()
    assert {uid for uid, _ in panels} == {"hub-start", "hub-ontology"}
    assert not [
        f"{uid}: {title}"
        for (uid, title), queries in panels.items()
        for target in queries
        if not grafana.run(target)
    ]
