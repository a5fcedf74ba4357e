"""Heavy drafts leave the database and the other routes alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.app.drafts_support import Client, client, entity, proposal, seed
from tests.app.support import sql, until

# More than the process has connections, were each to keep one.
AT_ONCE = 6

# The app itself, but for a rendering that goes on until a file is there.
HELD = """
import pathlib, time
from app.drafts import files
from app.main import app

render = files.render

def held(*arguments):
    with open("rendering", "a") as log:
        log.write("x")
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
    return render(*arguments)

files.render = held
"""


@pytest.fixture
def hub(database: URL, roles: dict[str, str], tmp_path: Path) -> Iterator[Client]:
    seed(database)
    (tmp_path / "held.py").write_text(HELD)
    variables = {"DATABASE_POOL_SIZE": "2", "DATABASE_MAX_OVERFLOW": "0"}
    with client(database, roles["app"], tmp_path, app="held:app", variables=variables) as made:
        yield made


def test_renderings_under_way_hold_no_transaction_and_no_route_back(
    hub: Client, tmp_path: Path
) -> None:
    token = hub.token(proposal(categories=[entity("Loner", description="Changed.")]))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        try:
            answers = [threads.submit(hub.get, token, "/files") for _ in range(AT_ONCE)]
            begun = tmp_path / "rendering"
            until(lambda: begun.exists() and begun.read_text() == "xx")
            # Both connections of the pool are free for what uses a session.
            assert hub.get(token).status_code == 200
            assert hub.get(token, "/diff").status_code == 200
            until(lambda: _in_transaction(hub) == 0)
            assert begun.read_text() == "xx"
        finally:
            (tmp_path / "go").touch()
        assert [one.result().status_code for one in answers] == [200] * AT_ONCE
    assert begun.read_text() == "x" * AT_ONCE


def _in_transaction(hub: Client) -> int:
    (row,) = sql(
        hub.database,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'ontology-hub' AND xact_start IS NOT NULL",
    )
    return int(row["count"])
