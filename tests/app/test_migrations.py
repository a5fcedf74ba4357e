"""Alembic: up, down, offline, twice at once, and refusals that say what to do."""

import json
import re
import secrets
import shutil
import string
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL

from infra.log_lines import readable
from migrations.guard import LOCK
from tests.app.support import ROOT, alembic, holding, script, sql, start_alembic

HEAD = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini"))).get_current_head()

EVERY_CHARACTER = "".join(chr(code) for code in range(ord("!"), ord("~") + 1))


def schema(url: URL) -> list[dict[str, Any]]:
    """Return a description of everything that migrations make."""
    return sql(
        url,
        """
        SELECT 'column' AS kind, table_name || '.' || column_name AS name,
               concat_ws(' ', udt_name, is_nullable, column_default) AS what
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'enum', t.typname, string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
        FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid GROUP BY t.typname
        ORDER BY 1, 2
        """,
    )


def refused(url: URL | None, *arguments: str, **options: Any) -> str:
    """Run alembic, check that it refuses without a stack trace, and return what it says."""
    result = alembic(url, *arguments, **options)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Traceback" not in said
    return said


def revision(log: str) -> str:
    """Return the revision that the last event of a log tells."""
    event = json.loads(log.splitlines()[-1])
    assert (event["logger"], event["message"]) == ("app.result", "migrated")
    return str(event["revision"])


def copy_code(folder: Path) -> None:
    """Put the models and migrations into `folder`, to be changed."""
    for name in ("app", "migrations"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "alembic.ini", folder)


def test_there_is_one_head() -> None:
    script_directory = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini")))
    assert len(script_directory.get_heads()) == 1


def test_migrations_carry_their_date_in_their_file_name() -> None:
    files = [file.name for file in (ROOT / "migrations" / "versions").glob("*.py")]
    pattern = r"\d{4}_\d\d_\d\d_\d{4}-[0-9a-f]{12}_[a-z0-9_]+\.py"
    assert files
    assert [name for name in files if not re.fullmatch(pattern, name)] == []


def test_its_owner_alone_writes_the_table_that_says_the_revision(
    database: URL, app_database: URL
) -> None:
    def refuse_others() -> None:
        for statement in (
            "UPDATE alembic_version SET version_num = 'x'",
            "INSERT INTO alembic_version VALUES ('x')",
            "DELETE FROM alembic_version",
            "TRUNCATE alembic_version",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                sql(app_database, statement)

    refuse_others()
    assert sql(app_database, "SELECT version_num FROM alembic_version") == [{"version_num": HEAD}]
    # What was given by hand, or by an older release, goes with the next upgrade.
    sql(database, "GRANT ALL ON alembic_version TO PUBLIC")
    assert alembic(database, "upgrade", "head").returncode == 0
    refuse_others()


def test_models_and_migrations_agree(template: URL) -> None:
    result = alembic(template, "check")
    assert result.returncode == 0, result.stdout
    assert "No new upgrade operations detected" in result.stdout


def test_check_sees_a_missing_column(database: URL) -> None:
    sql(database, "ALTER TABLE drafts DROP COLUMN pr_url")
    assert "pr_url" in refused(database, "check")


def test_a_generated_migration_of_a_plain_field_applies_and_satisfies_check(
    database: URL, tmp_path: Path
) -> None:
    """A plain `str` is of sqlmodel's own type, which a migration does not import."""
    copy_code(tmp_path)
    model = tmp_path / "app" / "models" / "profile.py"
    fields = "    nickname: str | None = None\n    code: str | None = Field(max_length=8)\n"
    fields += "    seen_at: datetime | None = None\n"
    head, table, tail = model.read_text().partition('    __tablename__ = "profiles"\n')
    model.write_text(head + table + fields + tail)
    made = alembic(database, "revision", "--autogenerate", "-m", "more", root=tmp_path)
    assert made.returncode == 0, made.stderr
    applied = alembic(database, "upgrade", "head", root=tmp_path)
    assert applied.returncode == 0, applied.stderr
    assert "No new upgrade operations" in alembic(database, "check", root=tmp_path).stdout
    what = {row["name"]: row["what"] for row in schema(database) if row["kind"] == "column"}
    assert what["profiles.nickname"] == "varchar YES"
    assert what["profiles.seen_at"] == "timestamptz YES"


def test_a_migration_that_the_data_refuses_says_so_without_the_data(
    database: URL, tmp_path: Path
) -> None:
    sql(database, "INSERT INTO modules (module_id, label) VALUES ('x', 'of the wiki')")
    copy_code(tmp_path)
    assert alembic(database, "revision", "-m", "number", root=tmp_path).returncode == 0
    (file,) = (tmp_path / "migrations" / "versions").glob("*_number.py")
    statement = "op.execute('ALTER TABLE modules ALTER label TYPE int USING label::int')"
    file.write_text(file.read_text().replace("    pass", f"    {statement}", 1))
    said = refused(database, "upgrade", "head", root=tmp_path)
    assert "invalid input syntax for type integer" in said
    assert "label::int" in said
    assert "of the wiki" not in said


def test_the_apps_role_can_ask_where_the_database_stands(app_database: URL) -> None:
    assert f"{HEAD} (head)" in alembic(app_database, "current").stdout
    assert alembic(app_database, "check").returncode == 0


def test_upgrade_says_the_revision_in_its_last_line(database: URL) -> None:
    result = alembic(database, "upgrade", "head")
    assert result.returncode == 0, result.stderr
    assert revision(result.stdout) == HEAD


def test_an_upgrade_logs_nothing_but_events_and_its_result_at_any_level(
    empty_database: URL,
) -> None:
    options = {"variables": {"LOG_LEVEL": "ERROR"}}
    said = alembic(empty_database, "--quiet", "upgrade", "head", **options)
    (line,) = said.stdout.splitlines()
    assert json.loads(line).keys() == {"time", "level", "logger", "message", "revision"}
    again = alembic(empty_database, "--quiet", "downgrade", "base")
    assert "Running downgrade" in again.stderr
    for line in again.stderr.splitlines():
        assert {"time", "level", "logger", "message"} <= json.loads(line).keys()


@pytest.mark.parametrize(
    ("failure", "level"),
    [("op.execute('SELECT 1/0')", "ERROR"), ("raise RuntimeError('on purpose')", "CRITICAL")],
)
def test_a_failed_job_ends_with_one_event_that_says_why(
    database: URL, tmp_path: Path, failure: str, level: str
) -> None:
    copy_code(tmp_path)
    assert alembic(database, "revision", "-m", "broken", root=tmp_path).returncode == 0
    (file,) = (tmp_path / "migrations" / "versions").glob("*_broken.py")
    file.write_text(file.read_text().replace("    pass", f"    {failure}", 1))
    failed = alembic(database, "--quiet", "upgrade", "head", root=tmp_path)
    assert (failed.returncode != 0, failed.stderr) == (True, "")
    events = [json.loads(line) for line in failed.stdout.splitlines()]
    assert [one for one in events if one["level"] in ("ERROR", "CRITICAL")] == events[-1:]
    assert events[-1]["level"] == level
    shown = readable(failed.stdout.splitlines()[-1])
    assert ("division by zero" in shown) != ("on purpose" in shown)


def test_down_to_base_leaves_nothing_and_up_again_makes_the_same(database: URL) -> None:
    before = schema(database)
    down = alembic(database, "downgrade", "base")
    assert down.returncode == 0, down.stderr
    assert "app.result" not in down.stdout + down.stderr
    left = [row for row in schema(database) if "alembic_version" not in row["name"]]
    assert [row for row in left if row["name"] != "alembic_version_pkc"] == []
    assert sql(database, "SELECT typname FROM pg_type WHERE typtype = 'e'") == []
    assert alembic(database, "upgrade", "head").returncode == 0
    assert schema(database) == before


def test_offline_sql_needs_no_database_and_makes_the_same_schema(
    template: URL, empty_database: URL
) -> None:
    result = alembic(None, "upgrade", "head", "--sql")
    assert result.returncode == 0, result.stderr
    script(empty_database, result.stdout)
    assert schema(empty_database) == schema(template)
    assert alembic(empty_database, "check").returncode == 0


def test_offline_sql_goes_down_too(database: URL) -> None:
    result = alembic(None, "downgrade", f"{HEAD}:base", "--sql")
    assert result.returncode == 0, result.stderr
    script(database, result.stdout)
    assert sql(database, "SELECT typname FROM pg_type WHERE typtype = 'e'") == []


@pytest.mark.parametrize("command", [("upgrade", "head"), ("current",), ("downgrade", "base")])
def test_a_database_ahead_of_the_code_is_refused_and_left_alone(
    database: URL, command: tuple[str, ...]
) -> None:
    sql(database, "UPDATE alembic_version SET version_num = 'feedfacecafe'")
    before = schema(database)
    said = refused(database, *command)
    assert "feedfacecafe" in said
    assert "newer" in said
    assert "downgrade" in said
    assert "app.result" not in said
    assert schema(database) == before


def test_migrations_at_once_do_not_hurt_each_other(empty_database: URL) -> None:
    processes = [start_alembic(empty_database, "upgrade", "head") for _ in range(3)]
    results = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], results
    assert all(revision(out) == HEAD for out, _ in results)
    assert sum("Running upgrade" in out for out, _ in results) == 1


@pytest.fixture
def other_migration(empty_database: URL) -> Iterator[Callable[[], None]]:
    """Another migration, running until this function is called or the test ends."""
    with holding(empty_database, LOCK) as end:
        yield end


def test_a_migration_waits_for_another_and_says_so(
    empty_database: URL, other_migration: Callable[[], None]
) -> None:
    process = start_alembic(empty_database, "upgrade", "head")
    assert process.stdout is not None
    said = ""
    while "another migration is running" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    assert schema(empty_database) == []
    other_migration()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert revision(out) == HEAD


def test_a_migration_gives_up_waiting_after_its_limit(
    empty_database: URL, other_migration: Callable[[], None]
) -> None:
    said = refused(empty_database, "upgrade", "head", variables={"MIGRATION_LOCK_TIMEOUT": "0.5"})
    assert "another migration has held this database for more than 0.5 s" in said
    assert schema(empty_database) == []


def test_reading_the_revision_waits_for_no_migration(
    empty_database: URL, other_migration: Callable[[], None]
) -> None:
    assert alembic(empty_database, "current").returncode == 0


def test_the_lock_is_given_back(database: URL) -> None:
    assert alembic(database, "upgrade", "head").returncode == 0
    locks = sql(
        database,
        "SELECT * FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        " WHERE locktype = 'advisory' AND datname = current_database()",
    )
    assert locks == []


def test_a_database_that_cannot_be_reached_is_one_line() -> None:
    url = URL.create(
        "postgresql", username="u", password="hidden", host="127.0.0.1", port=1, database="d"
    )
    said = refused(url, "upgrade", "head")
    assert "the database d at 127.0.0.1:1 cannot be reached as u" in said
    assert "hidden" not in said


@pytest.fixture
def tricky_role(server: URL) -> Iterator[str]:
    """A role whose password holds every character from ! to ~; the name is returned."""
    name = f"test_tricky_{secrets.token_hex(4)}"
    quoted = EVERY_CHARACTER.replace("'", "''")
    sql(server, f"CREATE ROLE {name} LOGIN PASSWORD '{quoted}'")
    yield name
    sql(server, f"DROP ROLE {name}")


def test_a_password_of_every_character_works_whole_and_as_a_file(
    template: URL, tricky_role: str, tmp_path: Path
) -> None:
    assert set(string.punctuation) <= set(EVERY_CHARACTER)
    host, port, name = template.host, template.port, template.database
    encoded = urllib.parse.quote(EVERY_CHARACTER, safe="")
    whole = {"DATABASE_URL": f"postgresql://{tricky_role}:{encoded}@{host}:{port}/{name}"}
    file = tmp_path / "password"
    file.write_text(EVERY_CHARACTER + "\n")
    parts = {
        "DATABASE_HOST": str(host),
        "DATABASE_PORT": str(port),
        "DATABASE_NAME": str(name),
        "DATABASE_USER": tricky_role,
        "DATABASE_PASSWORD_FILE": str(file),
    }
    for variables in (whole, parts):
        # The role may read nothing; the answer to come is the server's, after the password.
        said = refused(None, "current", variables=variables)
        assert "permission denied for table alembic_version" in said, json.dumps([*variables])
    file.write_text(EVERY_CHARACTER[:-1])
    said = refused(None, "current", variables=parts)
    if "permission denied for table" in said:
        pytest.skip("this server lets anyone in: TEST_DATABASE_URL trusts its clients")
    assert "password authentication failed" in said
