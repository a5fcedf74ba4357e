"""The types of config values, and what is refused in them.

All values come as text. Of many spellings that Python or pydantic would take for the same value
one is allowed: others who read the config (`make`, a script of the user's) know no more than that.
"""

import re
from ipaddress import IPv4Address, ip_network
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    EmailStr,
    Field,
    SecretStr,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from backup.schedule import Schedule

# Longer than any value that makes sense, the longest path included.
MAX_CHARACTERS = 4096

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
# The names of images, as Docker has them.
_PATH = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_MIRROR = re.compile(rf"(?P<host>{_HOST})(?P<port>:[0-9]+)?(?:/{_PATH})*")
_ORIGIN = re.compile(rf"https?://(?P<host>{_HOST})(?P<port>:[0-9]+)?")
_NETWORK = re.compile(r"[0-9a-f.:]+(?:/[0-9]{1,3})?", re.IGNORECASE)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}")

# The widest private networks: 10.0.0.0/8 and fc00::/7. Wider ones hold everybody.
_WIDEST = {4: 8, 6: 7}


def one_line(value: str) -> str:
    """Return the value; raises ValueError where no setting could be that."""
    if len(value) > MAX_CHARACTERS:
        raise ValueError(f"has {len(value)} characters; {MAX_CHARACTERS} are the most")
    if not value.isprintable():
        raise ValueError("holds a line break, or another character that is not seen")
    if value != value.strip():
        raise ValueError("begins or ends with a blank")
    return value


def _plain_digits(value: Any) -> Any:
    # pydantic would take +80, 8_000, 0080 and 8000.0 too.
    if isinstance(value, str) and not re.fullmatch("0|-?[1-9][0-9]{0,17}", value):
        raise ValueError("must be a whole number, written with the digits 0 to 9 alone")
    return value


def _true_or_false(value: Any) -> Any:
    # pydantic would take yes, on, 1 and others too.
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _strong_enough(value: SecretStr) -> SecretStr:
    if not 8 <= len(value.get_secret_value()) <= 128:
        raise ValueError("must have 8 to 128 characters")
    # Others do not survive every file, URL and pgpass line that a password travels through.
    if not re.fullmatch("[!-~]+", value.get_secret_value()):
        raise ValueError("may hold the ASCII characters from ! to ~ only")
    return value


def _is_port(text: str | None) -> bool:
    return text is None or (re.fullmatch(":[1-9][0-9]{0,4}", text) is not None and _in_range(text))


def _in_range(text: str) -> bool:
    return int(text[1:]) <= 65535


def _registry_name(value: str) -> str:
    if value == "":
        return value
    found = _MIRROR.fullmatch(value)
    if found is None or not _is_port(found["port"]) or len(value) > 200:
        raise ValueError(
            "must look like host[:port][/path], in lower case, without a scheme, 200 characters at"
            " most"
        )
    if "." not in found["host"] and found["port"] is None and found["host"] != "localhost":
        raise ValueError(
            "needs a host with a dot or a port: Docker would take it for a user of Docker Hub"
        )
    return value


def _origins(value: str) -> str:
    for origin in _items(value):
        found = _ORIGIN.fullmatch(origin)
        if found is None or not _is_port(found["port"]):
            raise ValueError(
                "must be origins like https://wiki.example, in lower case and without a path,"
                " separated by commas"
            )
        if (origin[:5], found["port"]) in (("http:", ":80"), ("https", ":443")):
            raise ValueError("must not name the scheme's own port: browsers leave it out")
    return value


def _networks(value: str) -> str:
    for item in _items(value):
        try:
            # Neither names nor masks: ip_network takes 10.0.0.0/0.0.0.255 for a /24.
            network = ip_network(item) if _NETWORK.fullmatch(item) else None
        except ValueError as error:
            if "host bits" in str(error):
                wide = ip_network(item, strict=False)
                raise ValueError(f"{item} has host bits set: its network is {wide}") from None
            network = None
        if network is None:
            raise ValueError("must be addresses or networks like 10.0.0.0/8, separated by commas")
        if network.prefixlen < _WIDEST[network.version]:
            raise ValueError("lets everybody say who they are: name the proxies alone")
    return value


def _schedule(value: str) -> str:
    if value:
        Schedule.parse(value)
    return value


def _host_path(value: str) -> str:
    if not value:
        raise ValueError("must be a path")
    return value


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",")] if value else []


def _of_an_interface(address: IPv4Address) -> IPv4Address:
    if address.is_unspecified:
        return address
    if address.is_multicast or address.is_reserved or address in ip_network("0.0.0.0/8"):
        raise ValueError("is no address that an interface can have; 0.0.0.0 stands for all of them")
    return address


def _plain_address(value: str, judge: ValidatorFunctionWrapHandler) -> str:
    address: str = judge(value)
    # Names before it, quotes and letters of other alphabets are in order for mail; but it becomes a
    # login and the name of a folder.
    if not _EMAIL.fullmatch(value):
        raise ValueError(
            "must be an address like admin@example.com; before the @ at most 64 letters (a to z),"
            " digits and . _ % + -"
        )
    return address


Whole = Annotated[int, BeforeValidator(_plain_digits)]
# More is no limit; and it is what RateLimit headers and PostgreSQL's integers hold.
Count = Annotated[Whole, Field(ge=1, le=10**9)]
PortNumber = Annotated[Whole, Field(ge=1, le=65535)]
ClosablePort = Annotated[PortNumber | None, BeforeValidator(_empty_is_none)]
Switch = Annotated[bool, BeforeValidator(_true_or_false)]
OptionalSwitch = Annotated[Switch | None, BeforeValidator(_empty_is_none)]

CronExpression = Annotated[str, AfterValidator(_schedule)]
HostPath = Annotated[str, AfterValidator(_host_path)]
Origins = Annotated[str, AfterValidator(_origins)]
Networks = Annotated[str, AfterValidator(_networks)]
Secret = Annotated[SecretStr, AfterValidator(_strong_enough)]
RegistryName = Annotated[str, AfterValidator(_registry_name)]
HostAddress = Annotated[IPv4Address, AfterValidator(_of_an_interface)]
Email = Annotated[EmailStr, WrapValidator(_plain_address)]
