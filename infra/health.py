"""Where each service says how it is, to those who share a network with it."""

from infra.services import (
    backup,
    grafana,
    node_exporter,
    pgadmin,
    postgres_exporter,
    prometheus,
    proxy,
)
from infra.settings import StackSettings


def urls(settings: StackSettings) -> dict[str, str]:
    """Return the URLs by the names that people know the services by.

    The database has none, and the backend none that the status service needs: it shows the page.
    """
    found = {"pgAdmin": _url(pgadmin.ROLE, pgadmin.PORT, pgadmin.HEALTH)}
    if settings.grafana:
        found["Grafana"] = _url(grafana.ROLE, grafana.PORT, grafana.HEALTH)
    if not settings.hot_reload:
        found["Proxy"] = _url(proxy.ROLE, proxy.STATUS_PORT, proxy.HEALTH)
    if settings.backup_schedule:
        found["Dumps"] = _url(backup.ROLE, backup.PORT, backup.HEALTH)
    if settings.observed:
        found |= {
            "Prometheus": _url(prometheus.ROLE, prometheus.PORT, prometheus.HEALTH),
            "PostgreSQL exporter": _url(postgres_exporter.ROLE, postgres_exporter.PORT, "/"),
            "Node exporter": _url(node_exporter.ROLE, node_exporter.PORT, node_exporter.HEALTH),
        }
    return found


def _url(role: str, port: int, path: str) -> str:
    return f"http://{role}:{port}{path}"
