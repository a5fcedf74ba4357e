"""Grafana, where its public image can be had (`grafana` in the config)."""

from infra.grafana import datasources, provisioning
from infra.images import public_image
from infra.passwords import Passwords
from infra.probes import by_wget
from infra.settings import StackSettings
from infra.versions import GRAFANA
from infra.workload import TOOLS, Limits, Port, Probe, SecretFile, Service, VolumeMount

ROLE = "grafana"
PORT = 3000
HEALTH = "/api/health"
UID = 472  # `grafana` in the public image

DATA_VOLUME = "grafana-data"
DATA_PATH = "/var/lib/grafana"


# Grafana itself takes the configured password for an empty volume only.
START = """
set -e
if [ -s "$GF_PATHS_DATA/grafana.db" ]; then
    grafana cli --homepath "$GF_PATHS_HOME" --config "$GF_PATHS_CONFIG" \\
        admin reset-admin-password --password-from-stdin < {password}
fi
exec /run.sh
"""


def service(settings: StackSettings, secrets: Passwords) -> Service:
    """Return Grafana; each start sets its admin's password, on a kept volume too."""
    if secrets.grafana is None:
        raise ValueError("grafana is off in the settings: there is no password to run it with")
    password = SecretFile(name="grafana_password", value=secrets.grafana, uid=UID)
    read = SecretFile(name="datasource_password", value=datasources.password(secrets.read), uid=UID)
    return Service(
        role=ROLE,
        image=public_image(GRAFANA, settings),
        user=f"{UID}:0",
        networks=[TOOLS],
        entrypoint=["sh", "-c", START.format(password=password.path)],
        env={
            # Grafana reads the file by itself, and leaves a `$` in it alone. The image's variables
            # that end in __FILE put the content into the server's environment, and Grafana then
            # expands it.
            "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{password.path}}}",
            "GF_PATHS_PROVISIONING": provisioning.PATH,
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": provisioning.HOME,
            datasources.DOLLAR: "$",
            # `grafana cli` would write a log into the image, whose files are read-only here.
            "GF_LOG_MODE": "console",
            # None of these is of use to the stack, and all of them call out.
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        },
        files=provisioning.files(settings, read.path),
        secrets=[password, read],
        ports=[Port(container=PORT, host=settings.grafana_port)],
        mounts=[VolumeMount(volume=DATA_VOLUME, path=DATA_PATH)],
        readiness=Probe(command=by_wget(PORT, HEALTH)),
        limits=Limits(memory=512, cpu_shares=256, pids=256),
        stop_grace=30,
    )
