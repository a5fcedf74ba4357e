"""The types of config values, and what is refused in them."""

import re
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from backup.schedule import Schedule

Count = Annotated[int, Field(ge=1)]
PortNumber = Annotated[int, Field(ge=1, le=65535)]


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


ClosablePort = Annotated[PortNumber | None, BeforeValidator(_empty_is_none)]


def _strong_enough(value: SecretStr) -> SecretStr:
    if not 8 <= len(value.get_secret_value()) <= 128:
        raise ValueError("must have 8 to 128 characters")
    # Others do not survive every file, URL and pgpass line that a password travels through.
    if not re.fullmatch("[!-~]+", value.get_secret_value()):
        raise ValueError("may hold the ASCII characters from ! to ~ only")
    return value


def _registry_name(value: str) -> str:
    if not re.fullmatch(r"([a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*)?", value):
        raise ValueError("must look like host[:port][/path], without a scheme")
    return value


def _origins(value: str) -> str:
    for origin in filter(None, (one.strip() for one in value.split(","))):
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", origin):
            raise ValueError("must be origins like https://wiki.example, separated by commas")
    return value


def _networks(value: str) -> str:
    for network in filter(None, (one.strip() for one in value.split(","))):
        try:
            ip_network(network)
        except ValueError as error:
            raise ValueError(f"{error}; give addresses or networks like 10.0.0.0/8") from None
    return value


def _schedule(value: str) -> str:
    if value:
        Schedule.parse(value)
    return value


def _host_path(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("must be a path, without control characters")
    return value


CronExpression = Annotated[str, AfterValidator(_schedule)]
HostPath = Annotated[str, AfterValidator(_host_path)]
Origins = Annotated[str, AfterValidator(_origins)]
Networks = Annotated[str, AfterValidator(_networks)]
Secret = Annotated[SecretStr, AfterValidator(_strong_enough)]
RegistryName = Annotated[str, AfterValidator(_registry_name)]
