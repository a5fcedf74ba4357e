"""Which services there are, what each waits for, and what the stack tells the outside."""

from typing import Any
from urllib.parse import quote

import pulumi

from infra import addresses, checks, health, preflight
from infra.config import project_config
from infra.images import public_image
from infra.log_lines import event
from infra.naming import Naming
from infra.passwords import Passwords
from infra.problems import PROJECT, SettingsError
from infra.services import (
    backend,
    backup,
    grafana,
    importer,
    migrations,
    node_exporter,
    pgadmin,
    postgres,
    postgres_exporter,
    prometheus,
    proxy,
    roles,
    status,
)
from infra.settings import StackSettings
from infra.targets.docker import DockerTarget
from infra.versions import PYTHON


def deploy() -> None:
    """Declare the whole stack.

    To add a service: one file in services/, one line here, one in health.py.
    """
    naming = Naming(PROJECT, pulumi.get_stack())
    settings = _checked_settings(naming)
    secrets = Passwords.of(settings)
    target = DockerTarget(settings, naming, courier=public_image(PYTHON, settings))
    target.volume(postgres.DATA_VOLUME, keep=True)
    target.volume(postgres.SOCKET_VOLUME)

    db = target.service(postgres.service(settings))
    role = target.job(roles.job(settings, secrets), after=[db])
    migrated = target.job(
        migrations.job(settings, naming, secrets, role.container.id), after=[db, role]
    )
    data = [migrated]
    if imports := importer.job(settings, naming, secrets, role.container.id):
        # The backend waits: it starts with data, and a failed import leaves the old one serving.
        data.append(target.job(imports, after=[db, migrated]))
        pulumi.export("ontology_import", data[-1].container.container_logs.apply(_imported))
    api = target.service(backend.service(settings, naming, secrets), after=[db, *data])
    if not settings.hot_reload:
        target.service(proxy.service(settings), after=[api])
    target.service(pgadmin.service(settings, secrets), after=[db])
    if dumps := backup.service(settings, naming, secrets):
        target.service(dumps, after=[db, migrated])
    if settings.grafana:
        target.volume(grafana.DATA_VOLUME, keep=True)
        target.service(grafana.service(settings, secrets), after=[db])

    if settings.observed:
        target.volume(prometheus.DATA_VOLUME, keep=True)
        target.service(prometheus.service(settings))
        target.service(postgres_exporter.service(settings, secrets), after=[db, role])
        target.service(node_exporter.service(settings, naming), after=[db])

    target.service(status.service(settings, health.urls(settings)))

    for name, url in addresses.urls(settings).items():
        pulumi.export(name, url)
    _export_access(settings, secrets)
    pulumi.export("data_protected", settings.protect_data)
    pulumi.export("migration_revision", migrated.container.container_logs.apply(_revision))


def _checked_settings(naming: Naming) -> StackSettings:
    try:
        settings = StackSettings.from_config(*project_config(), naming.stack)
        problems = [*preflight.missing_twins(settings), *checks.problems(settings, naming)]
        if problems:
            raise SettingsError(problems)
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    if refusal := preflight.foreign_volume(naming):
        raise pulumi.RunError(refusal)
    return settings


def _export_access(settings: StackSettings, secrets: Passwords) -> None:
    ports = settings.published_ports()
    if settings.database_port is not None:
        place = f"{addresses.host(settings)}:{ports['databasePort']}/{postgres.DATABASE}"
        pulumi.export(
            "database_url",
            pulumi.Output.concat(
                f"postgresql://{roles.OWNER}:",
                secrets.owner.apply(lambda password: quote(password, safe="")),
                f"@{place}",
            ),
        )
    pulumi.export("pgadmin_email", settings.pgadmin_email)
    pulumi.export("pgadmin_password", secrets.pgadmin)
    if secrets.grafana is not None:
        pulumi.export("grafana_password", secrets.grafana)


def _imported(log: str | None) -> str | None:
    """Return in a line what the importer's summary says, and warn of files that it left out."""
    summary = _result(log).get("summary")
    if summary is None:
        return None
    if summary["errors"]:
        pulumi.log.warn(
            f"files of the ontology could not be read and were left out: {summary['errors']} "
            f"(make logs ROLE={importer.ROLE})"
        )
    counts = ("added", "changed", "revived", "removed", "unchanged", "errors")
    return ", ".join(f"{summary[count]} {count}" for count in counts)


def _revision(log: str | None) -> str | None:
    """Return the revision that the migrations job has brought the database to."""
    return _result(log).get("revision")


def _result(log: str | None) -> dict[str, Any]:
    """Return the event by which a job tells what it was run for; empty if there is none."""
    events = filter(None, map(event, reversed((log or "").splitlines())))
    return next((one for one in events if one.get("logger") == "app.result"), {})
