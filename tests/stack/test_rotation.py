"""A secret that is changed in the config is changed in the stack by the next `up`, and keeps data.

All at once, to passwords of every character that is allowed; then back to generated ones.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none
import httpx
import pytest

from tests.images.pgadmin_client import Client
from tests.stack.grafana_stand_in import grafana_image
from tests.stack.load import MANY, UNLIMITED, load, missing
from tests.stack.passwords import EVERY_CHARACTER, configure, hard
from tests.stack.stack_under_test import PROJECT, Stack, docker, eventually

DATABASE_ROLES = {
    "postgresPassword": "postgres",
    "ownerPassword": "ontology",
    "appPassword": "ontology_app",
    "readPassword": "ontology_read",
}
KEYS = (*DATABASE_ROLES, "pgadminPassword", "grafanaPassword", "adminSecret", "webhookSecret")
NEW = {key: hard(key) for key in KEYS}
OLD = {key: f"the-first-{key}" for key in KEYS}


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    with grafana_image():
        stack = new_stack()
        stack.config(hotReload="false", grafana="true", readsPerMinute=MANY, **UNLIMITED)
        configure(stack, **OLD)
        stack.up()
        yield stack
        stack.destroy()
    assert not any(stack.objects().values())


def lets_in(stack: Stack, role: str, password: str) -> bool:
    """Tell whether PostgreSQL lets the role in over TCP."""

    async def connect() -> None:
        place = {"host": "127.0.0.1", "port": 5432 + stack.offset, "database": "ontology_hub"}
        await (await asyncpg.connect(**place, user=role, password=password)).close()

    try:
        asyncio.run(connect())
    except asyncpg.InvalidPasswordError:
        return False
    return True


def accepted(stack: Stack, secrets: dict[str, str]) -> set[str]:
    """Return the config keys whose secrets, of these, the stack accepts."""
    api = f"http://127.0.0.1:{8000 + stack.offset}/api/v1"
    well = {key for key, role in DATABASE_ROLES.items() if lets_in(stack, role, secrets[key])}
    with Client(f"127.0.0.1:{5050 + stack.offset}") as client:
        if client.login(secrets["pgadminPassword"], stack.outputs()["pgadmin_email"]):
            well.add("pgadminPassword")
            connected = client.connect()
            assert connected["data"]["connected"] is True, connected
    login = ("admin", secrets["grafanaPassword"])
    if httpx.get(f"http://127.0.0.1:{3000 + stack.offset}/api/user", auth=login).is_success:
        well.add("grafanaPassword")
    bearer = {"Authorization": f"Bearer {secrets['adminSecret']}"}
    answer = httpx.post(f"{api}/admin/sync", headers=bearer)
    if answer.status_code == 503 and "No source is configured" in answer.text:
        well.add("adminSecret")
    digest = hmac.new(secrets["webhookSecret"].encode(), b"{}", hashlib.sha256).hexdigest()
    signature = {"X-Hub-Signature-256": f"sha256={digest}"}
    if httpx.post(f"{api}/webhooks/github", headers=signature, content=b"{}").status_code == 200:
        well.add("webhookSecret")
    return well


def rows(stack: Stack) -> str:
    return stack.psql("select label, updated_at from modules", role="postgres")


def test_every_secret_is_changed_at_once_and_the_data_stays(stack: Stack) -> None:
    assert all(set(EVERY_CHARACTER) <= set(password) for password in NEW.values())
    assert accepted(stack, OLD) == set(KEYS)
    stack.psql("insert into modules (module_id, label) values ('kept', 'Kept')")
    before, kept = stack.ids(), rows(stack)
    configure(stack, **NEW)
    stack.up()
    assert accepted(stack, OLD) == set()
    assert accepted(stack, NEW) == set(KEYS)
    assert kept
    assert rows(stack) == kept
    # Whoever is connected to the database stays so.
    assert stack.ids()["db"] == before["db"]
    stack.unchanged()


def test_the_outputs_name_the_new_passwords(stack: Stack) -> None:
    outputs = stack.outputs()

    async def ask() -> Any:
        connection = await asyncpg.connect(outputs["database_url"])
        try:
            return await connection.fetchval("select current_user")
        finally:
            await connection.close()

    assert asyncio.run(ask()) == "ontology"
    assert outputs["pgadmin_password"] == NEW["pgadminPassword"]
    assert outputs["grafana_password"] == NEW["grafanaPassword"]
    assert stack.get("/health")[0] == 200


def test_pgadmins_login_name_can_be_changed(stack: Stack) -> None:
    old = stack.outputs()["pgadmin_email"]
    stack.config(pgadminEmail="someone.else@example.org")
    stack.up()
    with Client(f"127.0.0.1:{5050 + stack.offset}") as client:
        assert not client.login(NEW["pgadminPassword"], old)
    assert "pgadminPassword" in accepted(stack, NEW)


def test_a_stop_and_a_start_by_hand_keep_the_passwords(stack: Stack) -> None:
    """Each start of Grafana sets its admin's password again."""
    for role in ("grafana", "pgadmin", "db"):
        docker("restart", stack.ids()[role])
    eventually(lambda: set(stack.health().values()) == {"healthy"}, seconds=90)
    assert accepted(stack, NEW) == set(KEYS)


def sessions(stack: Stack) -> int:
    """Return how many connections to the hub's database have been made so far."""
    query = "select sessions from pg_stat_database where datname = 'ontology_hub'"
    return int(stack.psql(query, role="postgres"))


def test_no_request_fails_while_every_secret_changes(stack: Stack) -> None:
    before, made = stack.ids(), sessions(stack)
    url = stack.outputs()["api_url"]
    configure(stack, **{key: hard(f"another {key}") for key in KEYS})
    # More writers than a backend keeps connections for: it makes new ones all the time.
    with load(url) as one, load(url) as two, load(url) as three:
        stack.up()
    assert stack.ids()["backend"] != before["backend"]
    assert stack.ids()["db"] == before["db"]
    for seen in (one, two, three):
        assert seen.failed == []
        assert missing(seen) == []
        assert len(seen.tokens) > 100
    assert sessions(stack) - made > 20
    configure(stack, **NEW)
    stack.up()


def test_what_is_taken_out_of_the_config_is_generated_again_or_closed(stack: Stack) -> None:
    kept = rows(stack)
    for key in KEYS:
        stack.pulumi("config", "rm", f"{PROJECT}:{key}")
    stack.up()
    assert accepted(stack, NEW) == set()
    assert kept
    assert rows(stack) == kept
    outputs = stack.outputs()
    generated = {
        **NEW,
        "pgadminPassword": outputs["pgadmin_password"],
        "grafanaPassword": outputs["grafana_password"],
    }
    assert accepted(stack, generated) == {"pgadminPassword", "grafanaPassword"}
    api = f"http://127.0.0.1:{8000 + stack.offset}/api/v1"
    for path, named in (("admin/sync", "admin"), ("webhooks/github", "webhook")):
        answer = httpx.post(f"{api}/{path}", headers={"Authorization": "Bearer nothing"})
        assert answer.status_code == 503
        assert f"No {named} secret is configured" in answer.text
    stack.unchanged()
