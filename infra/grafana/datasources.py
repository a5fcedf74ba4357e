"""The data sources: Prometheus, and the database as the role that only reads."""

from typing import Any

import pulumi

from infra.grafana.queries import POSTGRESQL, PROMETHEUS
from infra.services import postgres, prometheus, roles
from infra.settings import StackSettings

# Grafana expands variables in what it has read from the password's file too (os.ExpandEnv), and
# nothing escapes a `$` there: so each is written as this variable, whose value is a `$`.
DOLLAR = "DOLLAR"


def password(plain: pulumi.Output[str]) -> pulumi.Output[str]:
    """Return the password as its file must hold it, for a Grafana with the variable `DOLLAR`."""
    return plain.apply(lambda text: text.replace("$", f"${{{DOLLAR}}}"))


def document(settings: StackSettings, password_path: str) -> dict[str, Any]:
    """Return the provisioning file; `password_path` is where Grafana finds the password."""
    sources = [_postgresql(password_path, default=not settings.observed)]
    if settings.observed:
        sources.insert(0, _prometheus())
    # Without `prune`, one that is gone from this file would stay in Grafana's own database.
    return {"apiVersion": 1, "prune": True, "datasources": sources}


def _prometheus() -> dict[str, Any]:
    return {
        "name": "Prometheus",
        "uid": PROMETHEUS.uid,
        "type": PROMETHEUS.type_val,
        "access": "proxy",
        "url": f"http://{prometheus.ROLE}:{prometheus.PORT}",
        "isDefault": True,
        "editable": False,
        "jsonData": {
            "httpMethod": "POST",
            # $__rate_interval is four times this at least: a shorter one would hold one sample.
            "timeInterval": prometheus.SCRAPE_INTERVAL,
            # The rules are Grafana's own; this Prometheus has none to offer.
            "manageAlerts": False,
        },
    }


def _postgresql(password_path: str, default: bool) -> dict[str, Any]:
    return {
        "name": "PostgreSQL",
        "uid": POSTGRESQL.uid,
        "type": POSTGRESQL.type_val,
        "access": "proxy",
        "url": f"{postgres.ROLE}:{postgres.PORT}",
        "user": roles.READ,
        "isDefault": default,
        "editable": False,
        "jsonData": {
            "database": postgres.DATABASE,
            # The server has no certificate; nobody else is on the way (docs/decisions/0021).
            "sslmode": "disable",
            "postgresVersion": postgres.MAJOR * 100,
            "timescaledb": False,
            # Each panel of an open dashboard asks at once: more would take connections from the
            # hub.
            "maxOpenConns": 5,
            "maxIdleConns": 2,
            "maxIdleConnsAuto": False,
            "connMaxLifetime": 600,
        },
        "secureJsonData": {"password": f"$__file{{{password_path}}}"},
    }
