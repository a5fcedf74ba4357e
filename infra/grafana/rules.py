"""The alert rules: what a person must act on, and what to do then.

Each asks for a value that is there in health too, and says which limit it must not pass: so no data
is never mistaken for health.
"""

from dataclasses import dataclass
from typing import Literal

from infra.grafana.dashboards import database, traffic
from infra.grafana.queries import or_zero
from infra.settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: it fires when the value was beyond the limit `lasting` so long.

    `beyond` is `gt` (above it) or `lt` (below). `blind` is what no data and a failed query count
    as: `OK` leaves it to hub-target-down, so that one cause gives one alert. `remedy` is a heading
    of docs/operations.md. Texts may hold `{{ .Labels.x }}`, but no `$`: Grafana would expand it.
    """

    uid: str
    title: str
    value: str
    beyond: Literal["gt", "lt"]
    limit: float
    lasting: str
    severity: Literal["critical", "warning"]
    blind: Literal["OK", "Alerting"] = "OK"
    summary: str
    remedy: str


ALWAYS = (
    Rule(
        uid="hub-down",
        title="The hub is down",
        # Told by what a backend says only while it serves, whatever that is: its metrics are
        # answered beside a server that hangs, too. If it is stopped, nothing does: hence the zero.
        value=or_zero("max(hub_database_up >= bool 0)"),
        beyond="lt",
        limit=1,
        lasting="2m",
        severity="critical",
        summary="No backend answers: nobody can use the hub.",
        remedy="A service does not become healthy",
    ),
    Rule(
        uid="hub-database-down",
        title="The database is down",
        value='min(pg_up{job="postgres"})',
        beyond="lt",
        limit=1,
        lasting="2m",
        severity="critical",
        summary="The database does not answer: the hub can neither read nor write.",
        remedy="A service does not become healthy",
    ),
    Rule(
        uid="hub-target-down",
        title="A service cannot be measured",
        # Backends come and go with each update: they are hub-down's. The proxy has its own rule.
        value='min by (job) (up{job!~"backend|proxy"})',
        beyond="lt",
        limit=1,
        lasting="5m",
        severity="warning",
        blind="Alerting",
        summary="Prometheus does not answer, or gets no metrics of a service ({{ .Labels.job }}): "
        "alerts that need them are blind.",
        remedy="A service does not become healthy",
    ),
    Rule(
        uid="hub-errors",
        title="Requests fail",
        # The part of all requests; of at least one in ten seconds, so that a single failure on an
        # idle hub wakes nobody.
        value=traffic.errors("[5m]", at_least=0.1),
        beyond="gt",
        limit=0.05,
        lasting="5m",
        severity="critical",
        summary="More than one request in twenty is answered with a server error.",
        remedy="A service does not become healthy",
    ),
    Rule(
        uid="hub-slow",
        title="Answers are slow",
        # Of some: one slow request on an idle hub would be all of them.
        value=traffic.slowness(0.95, "[10m]", at_least=0.1),
        beyond="gt",
        limit=2,
        lasting="10m",
        severity="warning",
        summary="One request in twenty takes longer than 2 s. The dashboards traffic and database "
        "show which, and what the database is busy with.",
        remedy="A service does not become healthy",
    ),
    Rule(
        uid="hub-disk",
        title="A disk is filling",
        value=database.FREE_DISK,
        beyond="lt",
        limit=0.15,
        lasting="5m",
        severity="warning",
        summary="Less than 15 % is free on the disk of the database (/disks/data) or of the dumps "
        "(/disks/backups): {{ .Labels.mountpoint }}.",
        remedy="The disk of the database is full",
    ),
    Rule(
        uid="hub-disk-full",
        title="A disk is almost full",
        value=database.FREE_DISK,
        beyond="lt",
        limit=0.05,
        lasting="1m",
        severity="critical",
        summary="Less than 5 % is free on the disk of the database (/disks/data) or of the dumps "
        "(/disks/backups): {{ .Labels.mountpoint }}. Soon nothing can be written there.",
        remedy="The disk of the database is full",
    ),
    Rule(
        uid="hub-migration-failed",
        title="A migration failed",
        value='max(hub_job_last_run_failed{role="migrations"})',
        beyond="gt",
        limit=0,
        lasting="0s",
        severity="critical",
        summary="The last migration failed: the old backend serves on.",
        remedy="A migration or an import failed",
    ),
)

PROXY = (
    Rule(
        uid="hub-proxy-down",
        title="The proxy is down",
        value=or_zero('max(up{job="proxy"})'),
        beyond="lt",
        limit=1,
        lasting="2m",
        severity="critical",
        summary="The proxy does not answer: nobody reaches the hub.",
        remedy="A service does not become healthy",
    ),
)

IMPORTS = (
    Rule(
        uid="hub-import-failed",
        title="An import failed",
        value='max(hub_job_last_run_failed{role="importer"})',
        beyond="gt",
        limit=0,
        lasting="0s",
        severity="warning",
        summary="The last import failed: the hub shows the ontology as it was before.",
        remedy="A migration or an import failed",
    ),
)

BACKUPS = (
    Rule(
        uid="hub-backup-failed",
        title="A dump failed",
        value="max(hub_backup_last_run_failed)",
        beyond="gt",
        limit=0,
        lasting="5m",  # it tries again twice a minute: after a machine's start the database is late
        severity="critical",
        summary="The last dump failed: what was written since the one before is not saved.",
        remedy="The backup service is unhealthy",
    ),
    Rule(
        uid="hub-backup-overdue",
        title="A dump is overdue",
        value="time() - max(hub_backup_next_due_timestamp_seconds)",
        beyond="gt",
        limit=0,
        lasting="1h",  # the dump of a large database takes its time
        severity="critical",
        summary="A dump has been due for an hour, and none was made.",
        remedy="The backup service is unhealthy",
    ),
)

EVERY = (*ALWAYS, *PROXY, *IMPORTS, *BACKUPS)


def of(settings: StackSettings) -> list[Rule]:
    """Return the rules that these settings have a use for."""
    if not settings.observed:
        return []
    proxy = () if settings.hot_reload else PROXY
    imports = IMPORTS if settings.ontology_path else ()
    backups = BACKUPS if settings.backup_schedule else ()
    return [*ALWAYS, *proxy, *imports, *backups]
