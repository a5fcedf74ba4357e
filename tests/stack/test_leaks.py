"""No secret of a stack shows anywhere: not to who may inspect it, nor to who reads its logs.

What can be told is provoked first, in the most talkative configuration there is.
"""

import asyncio
import os
import secrets as random
from collections.abc import Callable, Iterator

import asyncpg  # type: ignore[import-untyped]  # it has none
import httpx
import pytest

from infra import backups
from tests.images.pgadmin_client import Client
from tests.stack.leaks import forms, found, leaks, processes, secrets
from tests.stack.passwords import configure, hard
from tests.stack.stack_under_test import PROJECT, Stack, docker, eventually

GIVEN = ("ownerPassword", "appPassword", "pgadminPassword", "adminSecret", "webhookSecret")


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[], Stack]) -> Iterator[Stack]:
    """A stack of every service, and of secrets both configured and generated."""
    stack = new_stack()
    stack.config(hotReload="false", debug="true", logLevel="DEBUG", backupSchedule="* * * * *")
    dumps = stack.root / ".hub" / "backups" / stack.name
    dumps.mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(dumps, backups.UID, backups.UID)  # whose service does not run as root
    configure(stack, **{key: hard(key) for key in GIVEN})
    # Without it the CLI has no --event-log.
    stack.env["PULUMI_DEBUG_COMMANDS"] = "1"
    stack.first_up = stack.up("--diff", f"--event-log={stack.root}/events.json")
    yield stack
    stack.destroy()
    assert not any(stack.objects().values())


def test_every_secret_is_known_to_the_search(stack: Stack) -> None:
    known = set(secrets(stack).values())
    assert {hard(key) for key in GIVEN} <= known
    for role, file in (("roles", "postgres_password"), ("roles", "read_password")):
        volume = stack.files_volume(role)
        image = stack.inspect("db")["Image"]
        arguments = ("run", "--rm", "--user=root", "--entrypoint=cat", f"--volume={volume}:/files")
        assert docker(*arguments, image, f"/files/{file}") in known
    for output in ("database_url", "pgadmin_password"):
        assert stack.outputs()[output] in known


def test_no_secret_shows_in_the_errors_of_the_api(stack: Stack) -> None:
    said: dict[str, str] = {}

    def ask(status: int, method: str, path: str, **options: object) -> None:
        url = f"http://127.0.0.1:{8000 + stack.offset}{path}"
        answer = httpx.request(method, url, timeout=30, **options)  # type: ignore[arg-type]
        assert answer.status_code == status, answer.text
        said[f"{status} {path}"] = f"{answer.headers}\n{answer.text}"

    wrong = {"Authorization": "Bearer another", "X-Hub-Signature-256": "sha256=00"}
    ask(401, "POST", "/api/v1/admin/sync", headers=wrong)
    ask(403, "POST", "/api/v1/webhooks/github", headers=wrong, content="{}")
    ask(422, "POST", "/api/v1/drafts", json={"payload": {"wiki_url": 1}})
    ask(404, "GET", "/nowhere")
    stack.psql("alter table modules rename to hidden")
    ask(500, "GET", "/api/v1/modules")
    stack.psql("alter table hidden rename to modules")
    docker("stop", stack.ids()["db"])
    ask(503, "GET", "/api/v1/entities")
    ask(503, "GET", "/health")
    docker("start", stack.ids()["db"])
    eventually(lambda: stack.get("/health")[0] == 200, seconds=60)
    assert list(found(said, secrets(stack))) == []


def test_no_secret_shows_where_a_login_fails_or_succeeds(stack: Stack) -> None:
    port, email = 5432 + stack.offset, stack.outputs()["pgadmin_email"]

    async def connect(user: str, password: str) -> None:
        place = {"host": "127.0.0.1", "port": port, "database": "ontology_hub"}
        await (await asyncpg.connect(**place, user=user, password=password)).close()

    with Client(f"127.0.0.1:{5050 + stack.offset}") as client:
        assert not client.login(hard("another"), email)
        assert client.login(hard("pgadminPassword"), email)
        assert client.connect()["data"]["connected"]
    asyncio.run(connect("ontology", hard("ownerPassword")))
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(connect("ontology", hard("appPassword")))
    log = docker("logs", stack.ids()["db"])
    assert "password authentication failed" in log
    assert list(found({"the log": log}, secrets(stack))) == []


def test_a_roles_job_that_fails_tells_no_password(stack: Stack) -> None:
    """PostgreSQL's log quotes a statement that fails, unless it is told not to."""
    stack.psql("alter role postgres set default_transaction_read_only = on", role="postgres")
    configure(stack, readPassword=hard("readPassword"))
    said = stack.up(fails=True)
    assert "cannot execute ALTER ROLE in a read-only transaction" in said
    log = docker("logs", stack.ids()["db"])
    assert "cannot execute ALTER ROLE in a read-only transaction" in log
    assert list(found({"up": said, "the log": log}, secrets(stack))) == []
    reset = "alter role postgres reset default_transaction_read_only"
    stack.psql(f"begin read write; {reset}; commit", role="postgres")
    stack.up()


def test_no_secret_shows_in_what_engine_pulumi_and_containers_tell(stack: Stack) -> None:
    """After all that the tests above have made them tell."""
    said = {
        "the output of up": stack.first_up,
        "the events of up": (stack.root / "events.json").read_text(),
        "up --json": stack.up("--json"),
        "make backup": stack.hub("backup"),
    }
    assert "Resources:" in said["the output of up"]
    assert "outputs" in said["the events of up"]
    assert {"proxy", "backup"} <= set(stack.health())
    assert leaks(stack, said) == []


@pytest.mark.parametrize("secret", [random.token_urlsafe(24), hard("planted")])
def test_the_search_finds_a_secret_in_each_of_its_forms(secret: str) -> None:
    assert len(forms(secret)) >= 5
    for form in forms(secret):
        assert list(found({"here": f"before {form} after"}, {"it": secret})) == ["here: it"]
    assert list(found({"here": f"before {secret[:-1]} after"}, {"it": secret})) == []


def test_the_search_finds_what_is_planted_in_a_container_of_the_stack(stack: Stack) -> None:
    secret = secrets(stack)["postgres-password outputs.result 0"]
    planted = docker(
        *("run", "--detach", "--entrypoint=sh", f"--env=PLANTED={secret}"),
        *(f"--label={PROJECT}.stack={stack.name}", f"--label={PROJECT}.role=planted"),
        *(stack.inspect("db")["Image"], "-c", f"echo {secret}; sleep 600"),
    ).strip()
    try:
        assert secret in processes(planted)
        places = {line.split(": ")[0] for line in leaks(stack)}
    finally:
        docker("rm", "--force", "--volumes", planted)
    here = {"inspect of planted", "the log of planted", "the processes of planted"}
    assert places == here
