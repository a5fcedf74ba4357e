"""DATABASE_URL: what it may hold, and how its libpq options reach asyncpg.

No error shows the text or a part of it: with a misplaced character, a part may be the password's.
"""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVER = "postgresql+asyncpg"
NAME = "DATABASE_URL"

_ENCODE = (
    "percent-encode special characters of the user and the password, such as %40 for @"
    " and %2F for /"
)
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
# asyncpg reads these out of a URL only, not as arguments; `options` goes to the server as it is.
_PASSED_ON = ("sslmode", *_SSL_FILES, "sslnegotiation", "target_session_attrs", "options")
# A socket's folder, or several hosts: SQLAlchemy reads them.
_PLACES = ("host", "port")
_OWN = ("application_name", "channel_binding", "connect_timeout", "ssl")
KNOWN = tuple(sorted((*_PASSED_ON, *_PLACES, *_OWN)))


class DatabaseUrl(NamedTuple):
    """DATABASE_URL, taken apart.

    `url` is the address for SQLAlchemy, `dsn` a URL that holds nothing but options for asyncpg
    (None: there are none), `connect_timeout` in seconds, `application_name` as in libpq.
    """

    url: URL
    dsn: str | None = None
    connect_timeout: float | None = None
    application_name: str | None = None


def parse(text: str) -> DatabaseUrl:
    """Take the URL apart; raises ValueError with one sentence for the reader."""
    # With a second one, make_url takes the end of the password for a part of the host's name, or
    # of the database's, which are shown in errors.
    if text.count("@") > 1:
        raise ValueError(f"{NAME} holds more than one @: {_ENCODE}")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(
            f"{NAME} is no URL such as postgresql://user:password@host:5432/ontology_hub"
            f" ({_ENCODE})"
        ) from None
    if url.drivername not in ("postgresql", "postgres", DRIVER):
        raise ValueError(f"{NAME} must start with postgresql:// or {DRIVER}://")
    if not url.database:
        raise ValueError(f"{NAME} names no database")
    unknown = sorted(set(url.query) - set(KNOWN))
    if unknown:
        raise ValueError(
            f"{NAME} has options that this program does not know, {', '.join(unknown)}:"
            f" take them out; known are {', '.join(KNOWN)}"
        )
    return _with_options(url)


def _with_options(url: URL) -> DatabaseUrl:
    given = {name: value for name, value in url.query.items() if name not in _PLACES}
    options: dict[str, str] = {}
    for name, value in given.items():
        if not isinstance(value, str):
            raise ValueError(f"{NAME}'s option {name} stands there twice")
        options[name] = value
    if "ssl" in options:  # asyncpg's spelling of libpq's sslmode
        options.setdefault("sslmode", options.pop("ssl"))
    _check_ssl(options)
    # prefer and disable leave the choice to this side, and asyncpg has no channel binding.
    if options.pop("channel_binding", "prefer") not in ("prefer", "disable"):
        raise ValueError(
            f"{NAME}'s channel_binding=require cannot be met, asyncpg has none: take it out, and"
            " use sslmode=verify-full with sslrootcert"
        )
    timeout: str | None = options.pop("connect_timeout", None)
    application = options.pop("application_name", None)
    return DatabaseUrl(
        url=url.set(drivername=DRIVER).difference_update_query(list(given)),
        dsn=f"postgresql:///?{urlencode(options)}" if options else None,
        connect_timeout=_seconds(timeout) if timeout is not None else None,
        application_name=application,
    )


def _check_ssl(options: dict[str, str]) -> None:
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"{NAME}'s sslmode must be one of {', '.join(_SSL_MODES)}")
    for name in _SSL_FILES:
        if name in options and not Path(options[name]).is_file():
            raise ValueError(f"{NAME}'s {name} names no file that can be read")


def _seconds(text: str) -> float:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError(f"{NAME}'s connect_timeout must be a whole number of seconds from 1 on")
    return float(text)
