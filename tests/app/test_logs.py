"""No token, no hash of one and no draft's content reaches the log, whatever goes wrong."""

import base64
import json
import logging
import secrets
import socket
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import URL

from app.logs import JsonFormatter
from tests.app.support import ROOT, Backend, backend, served

# Each part of the content looks like the end of the text that holds it.
CONTENT = ["of the wiki\nHINT:  secret line", "[SQL: secret]\nDETAIL:  secret detail"]

ROUTES = """
import logging
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.database import SessionDep
from app.main import app
from app.models import Draft

inner = APIRouter(prefix="/inner")
health = APIRouter()


@inner.post("/drafts/{token}")
async def make(token: str, content: dict[str, Any], session: SessionDep) -> None:
    draft = Draft(
        capability_hash=token,
        source_wiki=content["wiki"],
        payload=content,
        expires_at=datetime.now(UTC) if content["life"] else None,
    )
    session.add(draft)
    await session.flush()


@inner.post("/raw")
async def raw(content: dict[str, Any], session: SessionDep) -> None:
    try:
        await session.execute(text(content["sql"]), {"value": content["value"]})
    except SQLAlchemyError as error:
        logging.getLogger("app.test").error("failed: %s", error)
        raise ExceptionGroup("several", [ValueError("other"), error]) from error


@health.get("/health")
async def other_health() -> None:
    pass


outer = APIRouter()
outer.include_router(inner, prefix="/mid")
outer.include_router(health)
app.include_router(outer, prefix="/api/v1")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "routes.py").write_text(ROUTES)
    return tmp_path


def post(running: Backend, path: str, **content: object) -> int:
    return httpx.post(running.url + path, json=content, timeout=20).status_code


def test_an_error_of_the_database_is_logged_without_the_rows_content(
    app_database: URL, folder: Path
) -> None:
    token = secrets.token_hex(32)
    drafts = f"/api/v1/mid/inner/drafts/{token}"
    with backend(app_database, folder, app="routes:app") as running:
        for wiki in CONTENT:
            post(running, drafts, wiki=wiki, life=True)  # the second one is a duplicate
            assert post(running, drafts, wiki=wiki, life=True) == 500
            assert post(running, drafts, wiki=wiki, life=False) == 500  # NOT NULL
        raw = "/api/v1/mid/inner/raw"
        statements = {
            "SELECT CAST(:value AS text)::uuid": token,  # refused by the server
            "SELECT CAST(:value AS integer)": token,  # refused by asyncpg
            "INSERT INTO drafts (source_wiki, capability_hash) VALUES (:value, 'x')": CONTENT[0],
        }
        for statement, value in statements.items():
            assert post(running, raw, sql=statement, value=value) == 500
        running.terminate()
        errors = [line for line in running.lines() if line["level"] == "ERROR"]
        said = running.text()
    assert len([line for line in errors if "exception" in line]) >= 7
    assert len([line for line in errors if line["message"].startswith("failed: ")]) == 3
    for word in (token, "of the wiki", "secret", "DETAIL", "Failing row contains"):
        assert word not in said, word
    # What the reader needs is still there.
    for word in (
        "ix_drafts_capability_hash",
        "expires_at",
        "Traceback",
        "type uuid",
        "argument $1",
    ):
        assert word in said, word


def test_an_error_with_nothing_to_hide_is_logged_whole() -> None:
    try:
        raise RuntimeError("first line\nsecond: line")
    except RuntimeError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "m", (), sys.exc_info())
    exception = json.loads(JsonFormatter().format(record))["exception"]
    assert exception.startswith("Traceback")
    assert exception.endswith("RuntimeError: first line\nsecond: line")


def test_the_route_is_logged_with_its_whole_path_and_only_own_health_is_quiet(
    app_database: URL, folder: Path
) -> None:
    with backend(app_database, folder, app="routes:app") as running:
        for path in ("/health", "/livez", "/api/v1/health", "/docs"):
            assert running.get(path).status_code == 200
        post(running, "/api/v1/mid/inner/raw")
        running.terminate()
        lines = [line for line in running.lines() if line["logger"] == "app.access"]
    assert [line["route"] for line in lines] == [
        "/api/v1/health",
        "/docs",
        "/api/v1/mid/inner/raw",
    ]


def handshake(running: Backend, path: str) -> bytes:
    """Ask for a WebSocket and return the first line of the answer."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(4096).splitlines()[0]


def test_the_image_has_no_websockets(app_database: URL, folder: Path) -> None:
    token = secrets.token_urlsafe(32)
    with served(app_database, folder, "routes:app", {"LOG_LEVEL": "DEBUG"}) as running:
        # A plain GET to the server, whatever it asks to be upgraded to.
        assert handshake(running, "/livez").split()[1] == b"200"
        assert handshake(running, f"/api/v1/drafts/{token}").split()[1] == b"404"
        running.terminate()
        assert token not in running.text()


@pytest.mark.parametrize(
    ("options", "level"),
    [
        ((), "INFO"),
        (("--ws", "websockets"), "DEBUG"),
        (("--ws", "websockets-sansio"), "DEBUG"),
        (("--ws", "websockets", "--log-config", str(ROOT / "app" / "log_config.json")), "DEBUG"),
    ],
)
def test_a_websocket_handshake_does_not_log_the_token(
    app_database: URL, folder: Path, options: tuple[str, ...], level: str
) -> None:
    token = secrets.token_urlsafe(32)
    variables = {"LOG_LEVEL": level}
    with backend(app_database, folder, *options, app="routes:app", variables=variables) as running:
        assert handshake(running, f"/api/v1/drafts/{token}").split()[1] in (b"403", b"404")
        running.terminate()
        assert running.lines()
        assert token not in running.text()
