"""Whose request it is: proxies are believed if they are named, and nobody else is."""

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import TypeAdapter
from sqlalchemy.engine import URL

from app.conduct.clients import ForwardedHeaders, client_of
from app.config import Network
from tests.app.support import served

PROXY = "10.0.0.1"
TRUSTED = ("10.0.0.0/24", "2001:db8:ffff::1")


def seen(
    peer: str | None, *forwarded: str, proto: str | None = None, trusted: tuple[str, ...] = TRUSTED
) -> tuple[str, str]:
    """Return the client and the scheme of a request from `peer` with these headers."""
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    if proto is not None:
        headers.append((b"x-forwarded-proto", proto.encode("latin-1")))
    scope: dict[str, Any] = {"type": "http", "scheme": "http", "headers": headers}
    scope["client"] = (peer, 1234) if peer is not None else None
    found: list[tuple[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append((client_of(scope), scope["scheme"]))

    networks = TypeAdapter(tuple[Network, ...]).validate_python(trusted)

    async def unused(*message: Any) -> Any:
        raise AssertionError

    asyncio.run(ForwardedHeaders(app, networks)(scope, unused, unused))
    return found[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (PROXY, ["192.0.2.1"], "192.0.2.1"),
        (PROXY, ["192.0.2.9, 192.0.2.1"], "192.0.2.1"),  # the left one is the client's own word
        (PROXY, ["192.0.2.9, 192.0.2.1, 10.0.0.7"], "192.0.2.1"),
        (PROXY, ["192.0.2.9", "192.0.2.1"], "192.0.2.1"),  # two headers are one list
        (PROXY, ["192.0.2.1:4711"], "192.0.2.1"),
        (PROXY, ["10.0.0.7, 10.0.0.8"], "10.0.0.7"),
        (PROXY, [], PROXY),
        ("192.0.2.5", ["192.0.2.1"], "192.0.2.5"),
        ("10.0.1.1", ["192.0.2.1"], "10.0.1.1"),
        ("2001:db8:ffff::1", ["192.0.2.1"], "192.0.2.1"),
        ("2001:db8:ffff::2", ["192.0.2.1"], "2001:db8:ffff::/64"),
        (PROXY, ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (PROXY, ["[2001:db8:1:2::9]:4711"], "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.5", [], "192.0.2.5"),
        ("2001:DB8:1:2:0:0:0:1", [], "2001:db8:1:2::/64"),
        (None, [], "none"),
        (None, ["192.0.2.1"], "none"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_trusted_proxys(
    peer: str | None, forwarded: list[str], client: str
) -> None:
    assert seen(peer, *forwarded)[0] == client


@pytest.mark.parametrize(
    "garbage",
    ["", ",", ", ,", "unknown", "192.0.2.1.5", "192.0.2.1;DROP", "\xff\x00", "1" * 100_000, "[::1"],
)
def test_a_forwarded_header_that_holds_no_address_counts_as_absent(garbage: str) -> None:
    assert seen(PROXY, garbage)[0] == PROXY


def test_nobody_is_trusted_by_default() -> None:
    assert seen(PROXY, "192.0.2.1", proto="https", trusted=()) == (PROXY, "http")


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        (PROXY, "https", "https"),
        (PROXY, "ftp", "http"),
        (PROXY, "https, http", "http"),
        ("192.0.2.5", "https", "http"),
    ],
)
def test_the_scheme_too_is_taken_from_trusted_proxies_only(
    peer: str, proto: str, scheme: str
) -> None:
    assert seen(peer, "192.0.2.1", proto=proto)[1] == scheme


def test_uvicorn_itself_believes_nobody_either(template: URL, tmp_path: Any) -> None:
    """Its default is to believe whoever comes from 127.0.0.1."""
    forged = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    with served(template, tmp_path, app="tests.app.probe:app") as running:
        answer = running.get("/probe/who", headers=forged).json()
    assert answer == {"client": "127.0.0.1", "url": running.url + "/probe/who"}


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ({"X-Hub-Peer": "192.0.2.1"}, "192.0.2.1"),
        # The peer is nobody's proxy: what it says of others is its own word.
        ({"X-Hub-Peer": "192.0.2.1", "X-Forwarded-For": "192.0.2.9"}, "192.0.2.1"),
        # A proxy of the user's before the stack's own.
        ({"X-Hub-Peer": PROXY, "X-Forwarded-For": "192.0.2.9"}, "192.0.2.9"),
        # Neither an address of the engine's networks nor one of the user's network is special.
        ({"X-Hub-Peer": PROXY, "X-Forwarded-For": "192.0.2.9, 172.17.0.5"}, "172.17.0.5"),
        ({}, "127.0.0.1"),
    ],
)
def test_behind_the_stacks_own_proxy_the_client_is_whom_it_is_connected_to(
    template: URL, tmp_path: Any, headers: dict[str, str], client: str
) -> None:
    variables = {"BEHIND_PROXY": "true", "TRUSTED_PROXIES": ",".join(TRUSTED)}
    with served(template, tmp_path, app="tests.app.probe:app", variables=variables) as running:
        said = {**headers, "X-Hub-Scheme": "https"}
        answer = running.get("/probe/who", headers=said).json()
    assert answer["client"] == client
    assert answer["url"].startswith("https://")


def test_nobody_is_the_stacks_own_proxy_by_default(template: URL, tmp_path: Any) -> None:
    forged = {"X-Hub-Peer": "192.0.2.1", "X-Hub-Scheme": "https"}
    with served(template, tmp_path, app="tests.app.probe:app") as running:
        answer = running.get("/probe/who", headers=forged).json()
    assert answer == {"client": "127.0.0.1", "url": running.url + "/probe/who"}


def test_what_follows_a_body_is_no_header(template: URL, tmp_path: Any) -> None:
    """A proxy sets and removes headers, and hands trailers on as they come."""
    request = (
        b"GET /probe/who HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n"
        b"X-Hub-Peer: 192.0.2.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\nX-Hub-Peer: 192.0.2.9\r\nX-Other: 1\r\n\r\n"
    )
    variables = {"BEHIND_PROXY": "true"}
    with served(template, tmp_path, app="tests.app.probe:app", variables=variables) as running:
        place = urlsplit(running.url)
        with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b'"client":"192.0.2.1"' in answer.replace(b" ", b""), answer
