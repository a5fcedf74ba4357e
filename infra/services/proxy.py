"""The proxy before the baked backends: it owns the host port, so that they may come and go.

Off with `hotReload`, where the one backend has the port itself and is replaced in place.
"""

from pathlib import Path

from infra import metrics, tls
from infra.images import public_image
from infra.probes import by_bash
from infra.services import backend
from infra.settings import StackSettings
from infra.versions import HAPROXY
from infra.workload import API, File, Limits, Port, Probe, SecretFile, Service

ROLE = "proxy"
PORT = 8000
STATUS_PORT = 8404
HEALTH = "/"
UID = 99  # `haproxy` in the public image and in its twin

CONFIG = Path(__file__).with_name("haproxy.cfg")

# Seconds above the backend's own time limit; its answer to what is late comes up to 0.25 s later.
RESERVE = 5


def service(settings: StackSettings) -> Service:
    """Return the proxy; it is ready when a backend lives."""
    config = File(name=CONFIG.name, content=CONFIG.read_text())
    certificate = tls.certificate(settings)
    secrets = (
        [] if certificate is None else [SecretFile(name="tls.pem", value=certificate, uid=UID)]
    )
    return Service(
        role=ROLE,
        image=public_image(HAPROXY, settings),
        user=f"{UID}:{UID}",
        networks=[API, *metrics.networks(settings)],
        command=["haproxy", "-f", config.path],
        env={
            "PROXY_TIMEOUT": str(settings.request_timeout + RESERVE),
            "PROXY_TLS": "yes" if secrets else "no",
            "PROXY_CERTIFICATE": secrets[0].path if secrets else "",
            **metrics.env(settings),
        },
        files=[config],
        secrets=secrets,
        ports=[Port(container=PORT, host=settings.backend_port)],
        in_place_of=backend.ROLE,
        readiness=Probe(command=by_bash(STATUS_PORT, HEALTH), interval=1),
        limits=Limits(memory=128, pids=64),
        # hard-stop-after in haproxy.cfg, and a little.
        stop_grace=25,
    )
