"""How the settings name the database: one URL, or its parts and a password file."""

from pathlib import Path
from typing import Any, Self

import asyncpg  # type: ignore[import-untyped]  # it has none
from pydantic import Field, PrivateAttr, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import URL

from app.database_password import PasswordFile
from app.database_url import DRIVER, DatabaseUrl, parse

ENV_FILE = ".env"

_WHOLE = "DATABASE_URL"
_PARTS = ("DATABASE_HOST", "DATABASE_USER", "DATABASE_PASSWORD_FILE")
_PART_FIELDS = {"database_port", "database_name", *(name.lower() for name in _PARTS)}
_HOW_TO_NAME_IT = f"set {_WHOLE}, or all of {', '.join(_PARTS)}"


class _EnvFile(DotEnvSettingsSource):
    """`.env`, which the environment beats: a whole URL there beats the parts here."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if "database_url" in self.current_state:
            return {name: value for name, value in values.items() if name not in _PART_FIELDS}
        return values


class DatabaseSettings(BaseSettings):
    """The database, named either by DATABASE_URL alone or by its parts and a password file.

    Times are in seconds.
    """

    # An empty variable counts as unset: `DATABASE_URL=` in an env file means "not given".
    # `.env` may hold other programs' variables too, hence extra="ignore".
    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore")

    database_url: SecretStr | None = None
    database_host: str | None = None
    database_port: int = Field(default=5432, ge=1, le=65535)
    database_name: str = "ontology_hub"
    database_user: str | None = None
    database_password_file: Path | None = None

    database_pool_size: int = Field(default=5, ge=1, le=100)
    database_max_overflow: int = Field(default=10, ge=0, le=100)
    database_read_pool_size: int = Field(default=10, ge=1, le=100)
    database_pool_timeout: float = Field(default=10, gt=0)
    database_connect_timeout: float = Field(default=5, gt=0)
    database_command_timeout: float = Field(default=30, gt=0)

    _database: DatabaseUrl = PrivateAttr()
    _password: PasswordFile | None = PrivateAttr(default=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then `.env`."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)  # noqa: S101
        file = _EnvFile(settings_cls, env_file=dotenv_settings.env_file)
        return init_settings, env_settings, file

    @model_validator(mode="after")
    def _build_url(self) -> Self:
        given = self.model_fields_set & _PART_FIELDS
        if self.database_url is not None:
            if given:
                file = Path(ENV_FILE)
                names = ", ".join(sorted(name.upper() for name in given))
                where = f" (some may stand in {file.resolve()})" if file.is_file() else ""
                raise ValueError(
                    f"{_WHOLE} and {names} contradict each other{where}: {_HOW_TO_NAME_IT}"
                )
            self._database = parse(self.database_url.get_secret_value())
            return self
        missing = [name for name in _PARTS if getattr(self, name.lower()) is None]
        if missing:
            raise ValueError(
                f"no database is named: {_HOW_TO_NAME_IT} (missing: {', '.join(missing)})"
            )
        assert self.database_password_file is not None  # noqa: S101  # narrowed by `missing`
        self._password = PasswordFile(_PARTS[2], self.database_password_file)
        self._database = DatabaseUrl(
            URL.create(
                DRIVER,
                username=self.database_user,
                password=self._password.accepted,
                host=self.database_host,
                port=self.database_port,
                database=self.database_name,
            )
        )
        return self

    @property
    def sqlalchemy_url(self) -> URL:
        """The database's address for asyncpg. Its `str()` and `repr()` hide the password."""
        return self._database.url

    def connect_args(self, application: str) -> dict[str, Any]:
        """Return asyncpg's arguments beside the address; `application` is this program's name."""
        database = self._database
        timeout = self.database_connect_timeout
        if "database_connect_timeout" not in self.model_fields_set:
            timeout = database.connect_timeout or timeout
        if database.application_name is not None:
            application = f"{application} ({database.application_name})"
        arguments: dict[str, Any] = {
            "timeout": timeout,
            "server_settings": {"application_name": application},
        }
        return arguments if database.dsn is None else {**arguments, "dsn": database.dsn}

    async def connect(self, application: str, **options: Any) -> asyncpg.Connection:
        """Return a new connection: whatever connects to the database does it here.

        `application` is this program's name, `options` are asyncpg's further arguments.
        """
        # What SQLAlchemy makes of the address: a socket's folder or several hosts may stand there.
        url = self.sqlalchemy_url
        _, address = url.get_dialect()().create_connect_args(url)
        arguments = {**address, **self.connect_args(application)}
        arguments["server_settings"] |= options.pop("server_settings", {})
        arguments |= options
        if self._password is None:
            return await asyncpg.connect(**arguments)
        del arguments["password"]
        return await self._password.connect(arguments.pop("timeout"), **arguments)
