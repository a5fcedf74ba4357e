"""Where people reach the services: the published ports, as URLs."""

from infra.settings import StackSettings


def host(settings: StackSettings) -> str:
    """Return the address at which this machine reaches the published ports."""
    return "127.0.0.1" if settings.bind_address.is_unspecified else str(settings.bind_address)


def urls(settings: StackSettings) -> dict[str, str]:
    """Return the URLs by the names of the stack's outputs; none for a service that is off."""
    ports = settings.published_ports()
    place = host(settings)
    api = f"{'https' if settings.tls_certificate else 'http'}://{place}:{ports['backendPort']}"
    found = {
        "api_url": api,
        "docs_url": f"{api}/docs",
        "pgadmin_url": f"http://{place}:{ports['pgadminPort']}",
    }
    if settings.grafana:
        found["grafana_url"] = f"http://{place}:{ports['grafanaPort']}"
    return found
