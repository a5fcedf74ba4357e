"""Settings: where the database's address comes from, and what is said when they are wrong."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from app.config import Settings, SettingsError, get_settings
from tests.app.support import ROOT, environment

EVERY_CHARACTER = "".join(chr(code) for code in range(ord("!"), ord("~") + 1))
NAMES = {name.upper() for name in Settings.model_fields}
SECRET = "p4ss-that-must-not-be-shown"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings but the test's own, read anew."""
    for name in list(os.environ):
        if name.upper() in NAMES:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return get_settings()


def parts(tmp_path: Path, content: bytes) -> dict[str, str]:
    file = tmp_path / "password"
    file.write_bytes(content)
    return {
        "DATABASE_HOST": "db",
        "DATABASE_USER": "ontology_app",
        "DATABASE_PASSWORD_FILE": str(file),
    }


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg", "postgres"])
def test_a_whole_url_works_with_and_without_a_driver(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    url = given(monkeypatch, DATABASE_URL=f"{scheme}://u:p%40@h:5433/d").sqlalchemy_url
    assert url == URL.create("postgresql+asyncpg", "u", "p@", "h", 5433, "d")


def test_parts_have_the_contracts_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = given(monkeypatch, **parts(tmp_path, b"secret")).sqlalchemy_url
    assert (url.host, url.port, url.database) == ("db", 5432, "ontology_hub")
    assert (url.username, url.password) == ("ontology_app", "secret")


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"secret\n", "secret"),
        (b"secret\n\n", "secret\n"),
        (b"secret\r\n", "secret\r"),
        (b" secret \t", " secret \t"),
        (EVERY_CHARACTER.encode() + b"\n", EVERY_CHARACTER),
        ("pässwort".encode(), "pässwort"),
    ],
)
def test_a_password_file_is_taken_as_it_is_less_one_final_newline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, password: str
) -> None:
    assert given(monkeypatch, **parts(tmp_path, content)).sqlalchemy_url.password == password


def test_an_env_file_in_the_current_folder_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://u@h/from_file\nOTHER=x\n")
    assert get_settings().sqlalchemy_url.database == "from_file"


def test_a_url_of_the_environment_beats_parts_of_the_env_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DATABASE_HOST=file\nDATABASE_USER=file\nLOG_LEVEL=ERROR\n")
    settings = given(monkeypatch, DATABASE_URL="postgresql://u@h/d")
    assert settings.sqlalchemy_url == URL.create("postgresql+asyncpg", "u", host="h", database="d")
    assert settings.log_level == "ERROR"


def test_a_contradiction_within_or_with_the_env_file_names_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://u@h/d\n")
    with pytest.raises(SettingsError, match=re.escape(str(tmp_path / ".env"))):
        given(monkeypatch, DATABASE_HOST="db")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch, DATABASE_URL="postgresql://u@h/d", DATABASE_HOST="", DEBUG="")
    assert settings.sqlalchemy_url.host == "h"


def test_nothing_insecure_is_on_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch, DATABASE_URL="postgresql://u@h/d")
    assert settings.debug is False
    assert settings.cors_origins == ()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, ["DATABASE_URL", "DATABASE_HOST", "DATABASE_USER", "DATABASE_PASSWORD_FILE"]),
        ({"DATABASE_HOST": "db"}, ["missing: DATABASE_USER, DATABASE_PASSWORD_FILE"]),
        (
            {"DATABASE_URL": f"postgresql://u:{SECRET}@h/d", "DATABASE_PORT": "5432"},
            ["DATABASE_URL and DATABASE_PORT contradict each other"],
        ),
        ({"DATABASE_URL": f"postgresql://u:{SECRET}@h:port/d"}, ["DATABASE_URL is no URL"]),
        ({"DATABASE_URL": f"u:{SECRET}@h"}, ["DATABASE_URL is no URL"]),
        ({"DATABASE_URL": f"mysql://u:{SECRET}@h/d"}, ["DATABASE_URL must start with postgresql"]),
        ({"DATABASE_URL": f"postgresql://u:{SECRET}@h"}, ["DATABASE_URL names no database"]),
        ({"DATABASE_URL": "postgresql://u@h/d", "LOG_LEVEL": "loud"}, ["LOG_LEVEL", "WARNING"]),
        ({"DATABASE_URL": "postgresql://u@h/d", "API_V1_PREFIX": "v1/"}, ["API_V1_PREFIX"]),
        ({"DATABASE_URL": "postgresql://u@h/d", "CORS_ORIGINS": "h"}, ["CORS_ORIGINS"]),
        ({"DATABASE_URL": "postgresql://u@h/d", "HEALTH_TIMEOUT": "9"}, ["HEALTH_TIMEOUT"]),
        (
            {"DATABASE_URL": "postgresql://u@h/d", "DEBUG": "x", "DATABASE_POOL_SIZE": "0"},
            ["DEBUG", "DATABASE_POOL_SIZE"],
        ),
    ],
)
def test_wrong_settings_are_named_and_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        given(monkeypatch, **variables)
    for word in words:
        assert word in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff"])
def test_a_password_file_that_is_missing_empty_or_no_text_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    variables = parts(tmp_path, content or b"")
    if content is None:
        (tmp_path / "password").unlink()
    with pytest.raises(SettingsError, match=f"DATABASE_PASSWORD_FILE={tmp_path}/password"):
        given(monkeypatch, **variables)


def test_no_printed_form_of_the_settings_shows_the_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = given(monkeypatch, DATABASE_URL=f"postgresql://u:{SECRET}@h/d")
    monkeypatch.delenv("DATABASE_URL")
    get_settings.cache_clear()
    apart = given(monkeypatch, **parts(tmp_path, SECRET.encode()))
    for settings in (whole, apart):
        assert settings.sqlalchemy_url.password == SECRET
        shown = [repr(settings), str(settings), settings.model_dump_json()]
        shown += [repr(settings.sqlalchemy_url), str(settings.sqlalchemy_url)]
        assert SECRET not in "".join(shown)


@pytest.mark.parametrize(
    "command", [["uvicorn", "app.main:app", "--port", "0"], ["alembic", "upgrade", "head"]]
)
def test_a_missing_database_ends_a_start_with_one_message_and_no_stack_trace(
    tmp_path: Path, command: list[str]
) -> None:
    program, *arguments = command
    if program == "alembic":
        arguments = ["-c", str(ROOT / "alembic.ini"), *arguments]
    result = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=tmp_path,
        env=environment(None, {"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = result.stdout + result.stderr
    assert result.returncode == 1
    assert "no database is named: set DATABASE_URL" in said
    assert "Traceback" not in said


def test_the_example_file_names_every_variable_with_its_default_and_no_secret() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    matches = [re.fullmatch(r"#?([A-Z0-9_]+)=(.*)", line) for line in lines]
    found = {match[1]: match[2] for match in matches if match}
    assert set(found) == NAMES
    for name, field in Settings.model_fields.items():
        default = field.default
        text = "" if default in (None, ()) else str(default)
        expected = text.lower() if isinstance(default, bool) else text
        assert found[name.upper()] == expected, name
