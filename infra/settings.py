"""The stack's settings: every key of `pulumi config`, typed, checked together.

Pulumi stops at the first key of a wrong type and shows no way out, so Pulumi.yaml declares each
key as text, and this module reports everything that is wrong at once, each with its remedy.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic import ValidationError as PydanticError
from pydantic.alias_generators import to_camel

from infra.cross_checks import exposed, port_clashes
from infra.problems import (
    NOTHING,
    STACK,
    Problem,
    SettingsError,
    is_secret,
    remove_command,
    set_command,
    shown,
)
from infra.value_types import (
    ClosablePort,
    Count,
    CronExpression,
    Email,
    HostAddress,
    HostPath,
    Networks,
    OptionalSwitch,
    Origins,
    PortNumber,
    RegistryName,
    Secret,
    Switch,
    Whole,
    one_line,
)

STACK_NAME_LENGTH = 30
STACK_NAME = re.compile(rf"(?=.{{1,{STACK_NAME_LENGTH}}}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")


class StackSettings(BaseModel):
    """All config keys of the stack; the README's table and Pulumi.yaml follow from this class."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    image_source: Literal["registry", "local"] = Field(
        "registry",
        description="`registry` pulls the public images, `local` uses the twins built by `make up`",
    )
    registry_mirror: RegistryName = Field(
        "", description="host[:port][/path] to pull the public images from, instead of Docker Hub"
    )
    grafana: Switch = Field(True, description="run Grafana; needs its public image")
    observability: OptionalSwitch = Field(
        None, description="measure the stack, with Prometheus; empty: where Grafana runs"
    )
    hot_reload: Switch = Field(
        False, description="mount app/ and restart on edits, instead of baking the code in"
    )
    debug: Switch = Field(
        False, description="verbose errors in the backend's answers; never in production"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="how much the hub's own programs log: DEBUG, INFO, WARNING or ERROR"
    )
    cors_origins: Origins = Field(
        "", description="origins of web pages that may call the API, separated by commas"
    )
    bind_address: HostAddress = Field(
        IPv4Address("127.0.0.1"), description="host address that the ports are published on"
    )
    port_offset: Annotated[Whole, Field(ge=0, le=60000)] = Field(
        0, description="added to every port below, so that several stacks fit on one machine"
    )
    backend_port: PortNumber = Field(8000, description="host port of the API")
    pgadmin_port: PortNumber = Field(5050, description="host port of pgAdmin")
    grafana_port: PortNumber = Field(3000, description="host port of Grafana")
    database_port: ClosablePort = Field(
        None, description="host port of PostgreSQL; empty keeps it inside the stack's network"
    )
    pgadmin_email: Email = Field("admin@example.com", description="login name of pgAdmin")
    start_timeout: Annotated[Whole, Field(ge=10, le=3600)] = Field(
        180, description="seconds that a service may take to become healthy before `up` fails"
    )
    protect_data: Switch = Field(
        True, description="keep the volumes on `pulumi destroy`; off in the dev stack"
    )

    backup_dir: HostPath = Field(
        ".hub/backups",
        description="where dumps go, into a folder for each stack; nothing ever removes it",
    )
    backup_schedule: CronExpression = Field(
        "",
        description="when to make a dump: cron's five fields in UTC (`15 3 * * *`); empty: never",
    )
    backups_kept: Count = Field(7, description="dumps that stay when a new one is made")

    ontology_path: str = Field(
        "",
        description="the ontology to import: a folder, git checkout or tarball on this machine; "
        "a relative path counts from the project's root",
    )
    drafts_per_hour: Count = Field(20, description="drafts that one client may create in an hour")
    draft_reads_per_minute: Count = Field(
        100, description="requests for a draft by one client in a minute"
    )
    lists_per_minute: Count = Field(
        100, description="requests for a list or search by one client in a minute"
    )
    reads_per_minute: Count = Field(
        200, description="requests for any other page by one client in a minute"
    )
    trusted_proxies: Networks = Field(
        "",
        description="proxies whose X-Forwarded-For is believed: addresses or networks, "
        "separated by commas",
    )
    tls_certificate: str = Field(
        "",
        description="PEM file on this machine: certificate, then its chain; with it the API is "
        "https only",
    )
    tls_key: str = Field("", description="PEM file on this machine: the certificate's key")
    max_body_bytes: Annotated[Whole, Field(ge=1024, le=16 * 1024 * 1024)] = Field(
        1024 * 1024, description="larger request bodies are refused"
    )
    request_timeout: Annotated[Whole, Field(ge=1, le=3600)] = Field(
        15, description="seconds after which a request is cut"
    )
    draft_lifetime_days: Annotated[Whole, Field(ge=1, le=365)] = Field(
        7, description="days after which a draft is wiped"
    )

    postgres_password: Secret | None = Field(
        None, description="password of the superuser `postgres`"
    )
    owner_password: Secret | None = Field(
        None, description="password of `ontology`, who owns and migrates"
    )
    app_password: Secret | None = Field(
        None, description="password of `ontology_app`, the backend's role"
    )
    read_password: Secret | None = Field(
        None, description="password of `ontology_read`, who only reads"
    )
    pgadmin_password: Secret | None = Field(None, description="password of pgAdmin's login")
    grafana_password: Secret | None = Field(None, description="password of Grafana's `admin`")
    admin_secret: Secret | None = Field(
        None, description="bearer secret of `/admin`; without one it is closed"
    )
    webhook_secret: Secret | None = Field(
        None, description="key that signs webhooks; without one they are refused"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _fits_a_line(cls, value: Any, info: ValidationInfo) -> Any:
        plain = isinstance(value, str) and not is_secret(to_camel(str(info.field_name)))
        return one_line(value) if plain else value

    @classmethod
    def from_config(
        cls, config: Mapping[str, str], secret_keys: frozenset[str], stack: str
    ) -> Self:
        """Build the settings from the project's config (keys without the namespace).

        Raises `SettingsError`, which lists everything that is wrong.
        """
        problems = _stack_problems(stack) + _plain_secrets(config, secret_keys)
        refused = {problem.key for problem in problems}
        settings = None
        try:
            settings = cls.model_validate(dict(config))
        except PydanticError as error:
            described = _described(error, config, secret_keys)
            problems += [problem for problem in described if problem.key not in refused]
            # The keys that are well by themselves still deserve the checks across keys.
            bad = {str(item["loc"][0]) for item in error.errors()}
            settings = cls.model_validate({k: v for k, v in config.items() if k not in bad})
        problems += port_clashes(settings) + exposed(settings)
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def observed(self) -> bool:
        """Whether the stack is measured: as `observability` says, else where Grafana shows it."""
        return self.grafana if self.observability is None else self.observability

    def published_ports(self) -> dict[str, int]:
        """Return config key to host port, offset included, for every port the stack publishes."""
        ports = {"backendPort": self.backend_port, "pgadminPort": self.pgadmin_port}
        if self.grafana:
            ports["grafanaPort"] = self.grafana_port
        if self.database_port is not None:
            ports["databasePort"] = self.database_port
        return {key: port + self.port_offset for key, port in ports.items()}


def _default_of(key: str) -> str:
    for name, declared in StackSettings.model_fields.items():
        if to_camel(name) == key:
            default = declared.default
            if isinstance(default, bool):
                return str(default).lower()
            return NOTHING if default in (None, "") else str(default)
    return NOTHING


def _described(
    error: PydanticError, config: Mapping[str, str], secret_keys: frozenset[str]
) -> list[Problem]:
    problems = []
    for item in error.errors():
        key = str(item["loc"][0])
        if item["type"] == "extra_forbidden":
            reason = f"no such setting; {_instead_of(key)}"
            problems.append(Problem(key=key, reason=reason, mend=remove_command(key)))
            continue
        hidden = is_secret(key) or key in secret_keys
        value = None if hidden else shown(config[key])
        reason = item["msg"].removeprefix("Value error, ")
        problems.append(
            Problem(key=key, value=value, reason=reason, mend=set_command(key, _default_of(key)))
        )
    return problems


def _instead_of(key: str) -> str:
    """Return which setting may have been meant, or, if none looks like it, which there are."""
    known = {to_camel(name).lower(): to_camel(name) for name in StackSettings.model_fields}
    alike = get_close_matches(key[:80].replace("_", "").lower(), known, n=1, cutoff=0.75)
    if alike:
        return f"did you mean {known[alike[0]]}?"
    return "README.md lists those there are"


def _plain_secrets(config: Mapping[str, str], secret_keys: frozenset[str]) -> list[Problem]:
    known = {to_camel(name) for name in StackSettings.model_fields}
    problems = []
    for key in sorted(known & set(config)):
        if not is_secret(key):
            continue
        if key not in secret_keys:
            problems.append(
                Problem(
                    key=key,
                    reason="is a secret and stands in clear in the stack's config file",
                    mend=f"{set_command(key, '')} (with a new one: this one is known now)",
                )
            )
    return problems


def _stack_problems(stack: str) -> list[Problem]:
    if STACK_NAME.fullmatch(stack):
        return []
    return [
        Problem(
            key=STACK,
            value=shown(stack),
            reason="the stack's name becomes part of container and image names: "
            "lower-case letters, digits and single hyphens, 30 at most",
            mend=f"pulumi stack rename {_fitting(stack)}",
        )
    ]


def _fitting(stack: str) -> str:
    """Return a name like this one that a stack may have."""
    words = re.findall("[a-z0-9]+", stack[:STACK_NAME_LENGTH].lower())
    return "-".join(words) or "dev"
