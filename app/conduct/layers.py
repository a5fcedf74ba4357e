"""The layers around the application, in their order."""

from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app.conduct.bounds import Bounds
from app.conduct.clients import ForwardedHeaders
from app.conduct.frame import Frame
from app.config import Settings
from app.logs import AccessLog

# What pages of other origins may read beside the headers that every page may.
_EXPOSED = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")


def surround(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Return the application within all layers, the outermost last.

    They stand around Starlette's own error layer too, so that an answer 500 has all headers. The
    order matters: CORS' answers are framed and logged; what Bounds refuses can be read by pages of
    allowed origins.
    """
    if settings.trusted_proxies:
        app = ForwardedHeaders(app, settings.trusted_proxies)
    app = Bounds(app, settings.max_body_bytes, settings.request_timeout)
    if settings.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
        )
    return Frame(AccessLog(app))
