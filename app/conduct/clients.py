"""Who asks: the address that limits are counted for."""

from collections.abc import Awaitable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.config import Network

# The whole of a home's or a server's IPv6 network is one client: it may use 2^64 addresses.
_IPV6_PREFIX = 64

# Clients without an address, such as those of a UNIX socket, are one client together.
_NOBODY = "none"

_PEER = "hub.peer"


class OwnProxy:
    """ASGI middleware: puts the peer of the stack's own proxy in the place of its own.

    The proxy overwrites both headers in each request, and nobody from outside reaches this process
    past it. What the peer says of others in X-Forwarded-For is judged as if there were no proxy
    between.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        for name, value in scope.get("headers", ()):
            if name == b"x-hub-peer":
                scope["client"] = (value.decode("latin-1"), 0)
            elif name == b"x-hub-scheme" and value in (b"http", b"https"):
                scope["scheme"] = value.decode("latin-1")
        return self._app(scope, receive, send)


class ForwardedHeaders:
    """ASGI middleware: believes X-Forwarded-For and X-Forwarded-Proto of named proxies only.

    The client is the rightmost address that is no trusted proxy's: what stands left of it is
    what the client itself has sent.
    """

    def __init__(self, app: ASGIApp, trusted: tuple[Network, ...]) -> None:
        # Networks of one address too: uvicorn takes them, and compares addresses by value.
        self._app = ProxyHeadersMiddleware(app, [str(network) for network in trusted])  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_PEER] = scope.get("client")
        await self._app(scope, receive, send)  # type: ignore[arg-type]


def client_of(scope: Scope) -> str:
    """Return the address of a request's client; an IPv6 address stands for its /64 network.

    A forwarded header that holds no address counts as absent: then the proxy is the client.
    """
    address = scope.get("client")
    client = _group(address[0]) if address else None
    if client is None and _PEER in scope:
        peer = scope[_PEER]
        client = _group(peer[0]) if peer else None
    return client or _NOBODY


@lru_cache(maxsize=4096)
def _group(text: str) -> str | None:
    if len(text) > 64:  # no address is; a header's length must not be that of a cache's key
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            network = int(address) >> (128 - _IPV6_PREFIX) << (128 - _IPV6_PREFIX)
            return f"{IPv6Address(network)}/{_IPV6_PREFIX}"
        address = address.ipv4_mapped
    return str(address)
