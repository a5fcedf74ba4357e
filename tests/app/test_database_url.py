"""DATABASE_URL: what it may hold, what reaches asyncpg, and what is said of the rest."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from app.database_url import KNOWN, parse
from app.engine import make_engine
from tests.app.support import GivenSettings, address

BASE = "postgresql://u:p@h/d"


def settings(url: str, **more: Any) -> GivenSettings:
    return GivenSettings.model_validate({"database_url": url, **more})


def asked(url: str) -> dict[str, str]:
    """Connect as the application does, and return what the server says of the session."""

    async def run() -> dict[str, str]:
        engine = make_engine(
            settings(url), application="test", command_timeout=10, poolclass=NullPool
        )
        async with engine.connect() as connection:
            names = ("application_name", "search_path", "statement_timeout")
            return {n: str(await connection.scalar(text(f"SHOW {n}"))) for n in names}

    return asyncio.run(run())


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:first@secret@127.0.0.1:5432/d",
        "postgresql://u:first@sec/secret@127.0.0.1/d",
        "postgresql://u:first@sec/x?secret@127.0.0.1/d",
        "postgresql://u@secret:first@127.0.0.1/d",
    ],
)
def test_an_unescaped_at_sign_is_refused_and_nothing_of_it_shown(url: str) -> None:
    with pytest.raises(ValueError, match="percent-encode") as caught:
        parse(url)
    assert "%40" in str(caught.value)
    for part in ("secret", "first", "sec/", "127.0.0.1"):
        assert part not in str(caught.value)


def test_the_options_that_asyncpg_has_reach_it(template: URL) -> None:
    url = address(template)
    found = asked(
        f"{url}?sslmode=prefer&connect_timeout=7&application_name=mine&channel_binding=prefer"
        "&target_session_attrs=any&options=-c%20search_path%3Dpg_catalog%20-c%20statement_timeout%3D77"
    )
    assert found == {
        "application_name": "test (mine)",
        "search_path": "pg_catalog",
        "statement_timeout": "77ms",
    }


def test_sslmode_decides_whether_a_server_without_tls_is_refused(template: URL) -> None:
    """The test's server has no TLS."""
    for spelling in ("sslmode", "ssl"):
        assert asked(f"{address(template)}?{spelling}=disable")["application_name"] == "test"
        with pytest.raises((OSError, ValueError), match="SSL"):
            asked(f"{address(template)}?{spelling}=require")


def test_a_certificate_file_is_used(template: URL, tmp_path: Path) -> None:
    """Shown by a file that holds none: asyncpg reads it, and says so."""
    file = tmp_path / "root.crt"
    file.write_text("no certificate")
    with pytest.raises(OSError, match="certificate"):
        asked(f"{address(template)}?sslmode=verify-full&sslrootcert={file}")


def test_the_urls_connect_timeout_counts_unless_the_variable_is_set() -> None:
    url = f"{BASE}?connect_timeout=7"
    assert settings(url).connect_args("x")["timeout"] == 7
    assert settings(url, database_connect_timeout=3).connect_args("x")["timeout"] == 3
    assert settings(BASE).connect_args("x")["timeout"] == 5


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("gssencmode=disable&keepalives=1", ["gssencmode, keepalives", *KNOWN]),
        ("sslmode=on", ["sslmode must be one of", "verify-full"]),
        ("sslmode=require&sslmode=disable", ["sslmode", "twice"]),
        ("sslmode=verify-full&sslrootcert=/nowhere/root.crt", ["sslrootcert names no file"]),
        ("channel_binding=require", ["channel_binding=require cannot be met"]),
        ("connect_timeout=soon", ["connect_timeout must be a whole number"]),
        ("connect_timeout=0", ["connect_timeout must be a whole number"]),
    ],
)
def test_an_option_that_cannot_be_met_is_named(query: str, words: list[str]) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL") as caught:
        parse(f"{BASE}?{query}")
    for word in words:
        assert word in str(caught.value)


def test_a_sockets_folder_stays_in_the_url() -> None:
    assert dict(parse("postgresql://u@/d?host=/run/postgresql").url.query) == {
        "host": "/run/postgresql"
    }
