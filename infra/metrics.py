"""What the hub's own programs need to be measured: a port, and the network that reaches it."""

from infra.settings import StackSettings
from infra.workload import METRICS

PORT = 9100


def env(settings: StackSettings) -> dict[str, str]:
    """Return the variable by which a program of the hub serves its metrics; none where unasked."""
    return {"METRICS_PORT": str(PORT)} if settings.observed else {}


def networks(settings: StackSettings) -> list[str]:
    """Return the network on which Prometheus reaches that port, and nobody from outside."""
    return [METRICS] if settings.observed else []
