"""The stack's settings: every key of `pulumi config`, typed, checked together.

Pulumi stops at the first key of a wrong type and shows no way out, so Pulumi.yaml declares each
key as text, and this module reports everything that is wrong at once, each with its remedy.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, EmailStr, Field
from pydantic import ValidationError as PydanticError
from pydantic.alias_generators import to_camel

from infra.value_types import (
    ClosablePort,
    Count,
    CronExpression,
    HostPath,
    Networks,
    Origins,
    PortNumber,
    RegistryName,
    Secret,
)

PROJECT = "ontology-hub"

# Stands for the stack's own name where problems are told by config key.
STACK = "(stack name)"
STACK_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9]){0,29}")


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
    grafana: bool = Field(True, description="run Grafana; needs its public image")
    hot_reload: bool = Field(
        False, description="mount app/ and restart on edits, instead of baking the code in"
    )
    debug: bool = Field(
        False, description="verbose errors in the backend's answers; never in production"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="how much the backend logs: DEBUG, INFO, WARNING or ERROR"
    )
    cors_origins: Origins = Field(
        "", description="origins of web pages that may call the API, separated by commas"
    )
    bind_address: IPv4Address = Field(
        IPv4Address("127.0.0.1"), description="host address that the ports are published on"
    )
    port_offset: Annotated[int, Field(ge=0, le=60000)] = Field(
        0, description="added to every port below, so that several stacks fit on one machine"
    )
    backend_port: PortNumber = Field(8000, description="host port of the API")
    pgadmin_port: PortNumber = Field(5050, description="host port of pgAdmin")
    grafana_port: PortNumber = Field(3000, description="host port of Grafana")
    database_port: ClosablePort = Field(
        None, description="host port of PostgreSQL; empty keeps it inside the stack's network"
    )
    pgadmin_email: EmailStr = Field("admin@example.com", description="login name of pgAdmin")
    start_timeout: Annotated[int, Field(ge=10, le=3600)] = Field(
        180, description="seconds that a service may take to become healthy before `up` fails"
    )
    protect_data: bool = Field(False, description="keep the volumes on `pulumi destroy`")

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
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        1024 * 1024, description="larger request bodies are refused"
    )
    request_timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        15, description="seconds after which a request is cut"
    )
    draft_lifetime_days: Annotated[int, Field(ge=1, le=365)] = Field(
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
        problems += _port_clashes(settings)
        if problems:
            raise SettingsError(problems)
        return settings

    def published_ports(self) -> dict[str, int]:
        """Return config key to host port, offset included, for every port the stack publishes."""
        ports = {"backendPort": self.backend_port, "pgadminPort": self.pgadmin_port}
        if self.grafana:
            ports["grafanaPort"] = self.grafana_port
        if self.database_port is not None:
            ports["databasePort"] = self.database_port
        return {key: port + self.port_offset for key, port in ports.items()}


class Problem(BaseModel):
    """One thing that is wrong with the config, and the command that mends it."""

    key: str
    value: str | None = None
    reason: str
    mend: str

    def __str__(self) -> str:
        name = self.key if self.key == STACK else f"{PROJECT}:{self.key}"
        shown = "" if self.value is None else f" = {self.value}"
        return f"  {name}{shown}\n      {self.reason}\n      mend: {self.mend}"


class SettingsError(Exception):
    """The config cannot be used; `problems` says all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__(
            f"{count} wrong; nothing was changed.\n" + "\n".join(str(item) for item in problems)
        )


def is_secret(key: str) -> bool:
    """Tell whether the config key `key` (camelCase) holds a secret."""
    return key.endswith(("Password", "Secret"))


def set_command(key: str, value: object) -> str:
    """Return the command that sets `key`; a secret's value is asked for, never put on the line."""
    if is_secret(key):
        return f"pulumi config set --secret {PROJECT}:{key}"
    return f"pulumi config set {PROJECT}:{key} {value}"


def _default_of(key: str) -> str:
    for name, declared in StackSettings.model_fields.items():
        if to_camel(name) == key:
            default = declared.default
            if isinstance(default, bool):
                return str(default).lower()
            return "''" if default in (None, "") else str(default)
    return "''"


def _described(
    error: PydanticError, config: Mapping[str, str], secret_keys: frozenset[str]
) -> list[Problem]:
    problems = []
    for item in error.errors():
        key = str(item["loc"][0])
        if item["type"] == "extra_forbidden":
            known = ", ".join(sorted(to_camel(name) for name in StackSettings.model_fields))
            problems.append(
                Problem(
                    key=key,
                    reason=f"no such setting; there are {known}",
                    mend=f"pulumi config rm {PROJECT}:{key}",
                )
            )
            continue
        hidden = is_secret(key) or key in secret_keys
        value = None if hidden else repr(config[key])[:80]
        reason = item["msg"].removeprefix("Value error, ")
        problems.append(
            Problem(key=key, value=value, reason=reason, mend=set_command(key, _default_of(key)))
        )
    return problems


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
            value=repr(stack),
            reason="the stack's name becomes part of container and image names: "
            "lower-case letters, digits and single hyphens, 30 at most",
            mend="pulumi stack rename dev",
        )
    ]


def _port_clashes(settings: StackSettings) -> list[Problem]:
    problems = []
    owner: dict[int, str] = {}
    for key, port in settings.published_ports().items():
        if port > 65535:
            problems.append(
                Problem(
                    key="portOffset",
                    value=str(settings.port_offset),
                    reason=f"lifts {key} to {port}, beyond 65535",
                    mend=set_command("portOffset", 0),
                )
            )
        elif port in owner:
            own = port - settings.port_offset
            problems.append(
                Problem(
                    key=key,
                    value=str(own),
                    reason=f"is taken by {owner[port]} already",
                    mend=set_command(key, free_port(own, settings)),
                )
            )
        else:
            owner[port] = key
    return problems


def free_port(
    near: int, settings: StackSettings, also_free: Callable[[int], bool] = lambda _: True
) -> int:
    """Return a port for a setting: near, unused by the others, in range with the offset.

    `also_free` is asked about the port as it would be published.
    """
    offset = settings.port_offset
    used = set(settings.published_ports().values())
    candidates = (*range(near + 1, 65536 - offset), *range(1024, near))
    return next(
        (port for port in candidates if port + offset not in used and also_free(port + offset)),
        near,
    )
