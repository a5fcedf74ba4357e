"""Models and database together: what goes in comes out, and what must not, does not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

import app.models
from app.engine import make_engine
from app.models import (
    Draft,
    DraftCreate,
    DraftPublic,
    DraftStatus,
    DraftUpdate,
    Entity,
    EntityCreate,
    EntityPublic,
    EntityType,
    Module,
    ModulePublic,
    Profile,
    ProfilePublic,
)
from tests.app.support import settings, sql


def person() -> Entity:
    return Entity(
        entity_id="Person",
        entity_type=EntityType.CATEGORY,
        label="Person",
        schema_definition={"parents": ["Agent"], "note": "ä % ' \" \\"},
    )


def draft(**fields: Any) -> Draft:
    in_a_week = datetime.now(UTC) + timedelta(days=7)
    given: dict[str, Any] = {"capability_hash": "0" * 64, "expires_at": in_a_week} | fields
    return Draft(**given)


def in_session(url: URL, work: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """Run `work` in a session of its own, and commit."""

    async def run() -> None:
        engine = make_engine(
            settings(url), application="test", command_timeout=10, poolclass=NullPool
        )
        async with AsyncSession(engine, expire_on_commit=False) as session:
            await work(session)
            await session.commit()

    asyncio.run(run())


def stored(url: URL, row: SQLModel) -> None:
    """Insert the row and commit."""

    async def work(session: AsyncSession) -> None:
        session.add(row)

    in_session(url, work)


def test_an_entity_comes_back_as_it_went_in(app_database: URL) -> None:
    entity = person()
    stored(app_database, entity)
    found: list[Entity] = []

    async def work(session: AsyncSession) -> None:
        found.append((await session.exec(select(Entity))).one())

    in_session(app_database, work)
    assert found[0] == entity
    assert found[0].entity_type is EntityType.CATEGORY
    assert found[0].created_at.utcoffset() == timedelta(0)
    public = EntityPublic.model_validate(found[0], from_attributes=True)
    assert public.model_dump()["schema_definition"] == entity.schema_definition


def test_modules_and_profiles_come_back_as_they_went_in(app_database: URL) -> None:
    module = Module(module_id="Core", label="Core", category_ids=["Person"], dependencies=[])
    profile = Profile(profile_id="Lab", label="Lab", module_ids=["Core"])
    stored(app_database, module)
    stored(app_database, profile)
    assert ModulePublic.model_validate(module, from_attributes=True).category_ids == ["Person"]
    assert ProfilePublic.model_validate(profile, from_attributes=True).module_ids == ["Core"]
    assert sql(app_database, "SELECT module_ids FROM profiles") == [{"module_ids": '["Core"]'}]


def test_an_enum_is_stored_by_its_lower_case_label(app_database: URL) -> None:
    stored(app_database, draft(status=DraftStatus.VALIDATED))
    assert sql(app_database, "SELECT status::text FROM drafts") == [{"status": "validated"}]


def test_a_naive_datetime_is_refused(app_database: URL) -> None:
    naive = datetime.now(UTC).replace(tzinfo=None)
    with pytest.raises((StatementError, ValueError), match="timezone"):
        stored(app_database, draft(expires_at=naive))
    assert sql(app_database, "SELECT * FROM drafts") == []


def test_an_aware_datetime_keeps_its_moment_whatever_its_zone(app_database: URL) -> None:
    moment = datetime(
        2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45))
    )
    stored(app_database, draft(expires_at=moment))
    assert sql(app_database, "SELECT expires_at FROM drafts") == [{"expires_at": moment}]
    found: list[Draft] = []

    async def work(session: AsyncSession) -> None:
        found.append((await session.exec(select(Draft))).one())

    in_session(app_database, work)
    assert found[0].expires_at == moment
    assert found[0].expires_at.utcoffset() == timedelta(0)


def test_an_update_moves_updated_at_and_nothing_else(app_database: URL) -> None:
    entity = person()
    stored(app_database, entity)
    made = entity.created_at

    async def work(session: AsyncSession) -> None:
        row = (await session.exec(select(Entity))).one()
        row.label = "Human"
        await session.flush()
        # Readable without another query, which asyncio would not allow here.
        assert row.updated_at > made
        assert row.created_at == made

    in_session(app_database, work)


def test_absent_json_is_null_to_sql_and_not_the_json_null(app_database: URL) -> None:
    stored(app_database, draft())
    rows = sql(app_database, "SELECT diff_preview IS NULL AS absent FROM drafts")
    assert rows == [{"absent": True}]


def test_a_row_written_without_the_orm_is_complete(app_database: URL) -> None:
    sql(
        app_database,
        "INSERT INTO drafts (capability_hash, expires_at) VALUES ('x', now() + interval '7 days')",
    )
    row = sql(app_database, "SELECT * FROM drafts")[0]
    assert isinstance(row["id"], UUID)
    assert (row["payload"], row["status"]) == ("{}", "pending")
    assert row["created_at"] == row["updated_at"]


def test_one_id_may_exist_once_per_type(app_database: URL) -> None:
    stored(app_database, person())
    other = person()
    other.entity_type = EntityType.PROPERTY
    stored(app_database, other)
    with pytest.raises(IntegrityError, match="uq_entities_entity_id_type"):
        stored(app_database, person())


@pytest.mark.parametrize(
    "duplicates",
    [
        lambda: [Module(module_id="m", label="M") for _ in range(2)],
        lambda: [Profile(profile_id="p", label="P") for _ in range(2)],
        lambda: [draft() for _ in range(2)],
    ],
)
def test_modules_profiles_and_hashes_are_unique(
    app_database: URL, duplicates: Callable[[], list[SQLModel]]
) -> None:
    first, second = duplicates()
    stored(app_database, first)
    with pytest.raises(IntegrityError):
        stored(app_database, second)


def test_an_error_of_the_database_does_not_show_the_values(app_database: URL) -> None:
    stored(app_database, draft(capability_hash="a" * 64, payload={"secret": "of the wiki"}))
    with pytest.raises(IntegrityError) as caught:
        stored(app_database, draft(capability_hash="a" * 64, payload={"secret": "of the wiki"}))
    assert "of the wiki" not in str(caught.value)


def test_what_is_public_leaves_out_what_is_not() -> None:
    public = {name: model for name, model in vars(app.models).items() if name.endswith("Public")}
    assert set(public) == {"EntityPublic", "ModulePublic", "ProfilePublic", "DraftPublic"}
    for model in public.values():
        assert "deleted_at" not in model.model_fields
    assert set(DraftPublic.model_fields) == {
        *("id", "status", "payload", "source_wiki", "base_commit_sha", "expires_at"),
        *("created_at", "diff_preview", "validation_results", "pr_url"),
    }


@pytest.mark.parametrize("name", ["Entity", "Module", "Profile", "Draft"])
def test_every_table_has_its_five_models_and_updates_are_optional(name: str) -> None:
    for kind in ("Base", "", "Create", "Update", "Public"):
        assert issubclass(getattr(app.models, name + kind), SQLModel)
    update = getattr(app.models, name + "Update")
    assert update().model_dump(exclude_unset=True) == {}


NEW_VALUES: dict[str, Any] = {
    "label": "new",
    "schema_definition": {"a": 1},
    "payload": {"a": 1},
    **{name: ["new"] for name in ("category_ids", "dependencies", "module_ids")},
}


@pytest.mark.parametrize("name", ["Entity", "Module", "Profile", "Draft"])
def test_an_update_takes_null_only_where_the_column_does(name: str) -> None:
    update = getattr(app.models, name + "Update")
    columns = getattr(app.models, name).__table__.c
    refused = set()
    for field in update.model_fields:
        try:
            update.model_validate({field: None})
        except ValueError:
            refused.add(field)
            # Taken where it is not null, and not offered as null by the API's docs.
            given = update.model_validate({field: NEW_VALUES[field]})
            assert given.model_dump(exclude_unset=True) == {field: NEW_VALUES[field]}
            assert "default" not in update.model_json_schema()["properties"][field]
    assert refused == {field for field in update.model_fields if not columns[field].nullable}


def test_a_client_sets_no_field_that_is_the_servers() -> None:
    given = {"id": "x", "status": "submitted", "capability_hash": "x", "payload": {"a": 1}}
    assert DraftCreate.model_validate(given).model_dump() == {
        "payload": {"a": 1},
        "source_wiki": None,
        "base_commit_sha": None,
    }
    with pytest.raises(ValueError, match="entity_type"):
        EntityCreate.model_validate({"entity_id": "a", "entity_type": "CATEGORY", "label": "A"})
    changed = DraftUpdate.model_validate(given)
    assert changed.model_dump(exclude_unset=True) == {"payload": {"a": 1}}


def test_the_tests_settings_come_from_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("DATABASE_NAME=other\nDATABASE_COMMAND_TIMEOUT=1\n")
    monkeypatch.setenv("DATABASE_HOST", "elsewhere")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "7")
    given = settings(URL.create("postgresql", "u", host="h", database="d"))
    assert (given.sqlalchemy_url.host, given.sqlalchemy_url.database) == ("h", "d")
    assert (given.database_pool_size, given.database_command_timeout) == (5, 30)
