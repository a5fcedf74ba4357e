"""Settings: read once from the environment and, in a developer's shell, from `.env`."""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    PrivateAttr,
    SecretStr,
    UrlConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import NoDecode

from app.database_settings import DatabaseSettings
from app.secret_files import read_secret


class SettingsError(SystemExit):
    """The settings cannot be used. The text names every variable at fault and holds no secret.

    It is a SystemExit so that `uvicorn` and `alembic` end with this text and exit code 1 instead
    of a stack trace: whoever forgot a variable has made no programming error.
    """


def _prefix(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
        raise ValueError("must start with a slash and not end with one, such as /api/v1")
    return value


def _comma_list(value: object) -> object:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


def _origin(value: str) -> str:
    if value != "*" and not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+", value):
        raise ValueError("must be an origin such as https://hub.example.org, without a path")
    return value


Network = IPv4Network | IPv6Network


class Settings(DatabaseSettings):
    """Everything that can be set, by environment variables of the same names in capitals.

    Times are in seconds unless the name says otherwise.
    """

    # /health promises an answer within 2 s; what is above this value is the reserve for the rest.
    health_timeout: float = Field(default=1.5, gt=0, le=1.8)
    migration_lock_timeout: float = Field(default=60, gt=0)

    debug: bool = False
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = "INFO"
    api_v1_prefix: Annotated[str, AfterValidator(_prefix)] = "/api/v1"
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_comma_list)
    ] = ()

    # How often one client may ask; what each limit is for stands in app/conduct/policies.py.
    drafts_per_hour: int = Field(default=20, ge=1)
    draft_reads_per_minute: int = Field(default=100, ge=1)
    lists_per_minute: int = Field(default=100, ge=1)
    reads_per_minute: int = Field(default=200, ge=1)
    # Whose X-Forwarded-For is believed: addresses or networks. Nobody's by default.
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_comma_list)] = ()
    # Whether clients come through the stack's own proxy alone, which says who is connected to it.
    behind_proxy: bool = False
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    request_timeout: float = Field(default=15, gt=0)

    draft_lifetime_days: float = Field(default=7, gt=0, le=365)
    draft_sweep_interval: float = Field(default=60, gt=0)

    # Where Prometheus reads this process' metrics, on all addresses. None: nowhere.
    metrics_port: int | None = Field(default=None, ge=1, le=65535)

    # Where people reach the stack's other services; the page at / links there. None: it is off.
    pgadmin_url: HttpUrl | None = None
    grafana_url: HttpUrl | None = None
    # Who tells how the stack's other services are, in plain HTTP; None: nobody, and / says so.
    status_url: Annotated[HttpUrl, UrlConstraints(allowed_schemes=["http"])] | None = None

    # The ontology's source: a folder, a git checkout or a tarball. None: there is nothing to sync.
    ontology_path: Path | None = None
    admin_secret_file: Path | None = None
    webhook_secret_file: Path | None = None

    _admin_secret: SecretStr | None = PrivateAttr(default=None)
    _webhook_secret: SecretStr | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _read_secrets(self) -> Self:
        if self.admin_secret_file is not None:
            secret = read_secret("ADMIN_SECRET_FILE", self.admin_secret_file)
            self._admin_secret = SecretStr(secret)
        if self.webhook_secret_file is not None:
            secret = read_secret("WEBHOOK_SECRET_FILE", self.webhook_secret_file)
            self._webhook_secret = SecretStr(secret)
        return self

    @property
    def admin_secret(self) -> SecretStr | None:
        """The bearer secret of /admin routes; None: they are closed."""
        return self._admin_secret

    @property
    def webhook_secret(self) -> SecretStr | None:
        """The key that signs webhooks; None: the webhook is closed."""
        return self._webhook_secret


@lru_cache
def get_settings() -> Settings:
    """Return the process' settings; raises SettingsError with every fault in one text."""
    try:
        return Settings()
    except ValidationError as error:
        # include_input=False: the rejected value may be a secret.
        faults = error.errors(include_url=False, include_input=False, include_context=False)
    raise SettingsError("\n".join(["Settings that cannot be used:", *map(_describe, faults)]))


def _describe(fault: Any) -> str:
    variable = "".join(f"{str(part).upper()}: " for part in fault["loc"][:1])
    return f"  {variable}{fault['msg'].removeprefix('Value error, ')}"
