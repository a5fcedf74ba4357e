"""pgAdmin, which knows the database at the first login."""

import json

from infra.images import public_image
from infra.passwords import Passwords
from infra.probes import by_wget
from infra.services import postgres, roles
from infra.settings import StackSettings
from infra.versions import PGADMIN
from infra.workload import TOOLS, File, Limits, Port, Probe, SecretFile, Service

ROLE = "pgadmin"
PORT = 8080  # the image's own 80 takes a capability that `no-new-privileges` withholds
HEALTH = "/misc/ping"
UID = 5050  # `pgadmin` in the public image and in its twin


def service(settings: StackSettings, secrets: Passwords) -> Service:
    """Return pgAdmin. It keeps no volume: users and servers come from the settings each time."""
    password = SecretFile(name="pgadmin_password", value=secrets.pgadmin, uid=UID)
    pgpass = SecretFile(name="pgpass", value=postgres.pgpass(roles.OWNER, secrets.owner), uid=UID)
    servers = File(name="servers.json", content=_servers())
    return Service(
        role=ROLE,
        image=public_image(PGADMIN, settings),
        user=f"{UID}:0",
        networks=[TOOLS],
        # The image writes its settings beside its code at each start.
        writable_root=True,
        env={
            "PGADMIN_DEFAULT_EMAIL": settings.pgadmin_email,
            "PGADMIN_DEFAULT_PASSWORD_FILE": password.path,
            "PGADMIN_LISTEN_PORT": str(PORT),
            # The health check alone would write a line every other second.
            "GUNICORN_ACCESS_LOGFILE": "/dev/null",
            "PGADMIN_DISABLE_POSTFIX": "true",
            "PGADMIN_SERVER_JSON_FILE": servers.path,
            "PGPASS_FILE": pgpass.path,
            # Both ask the internet; the latter tells it, by its hash, who is logged in.
            "PGADMIN_CONFIG_UPGRADE_CHECK_ENABLED": "False",
            "PGADMIN_CONFIG_SHOW_GRAVATAR_IMAGE": "False",
        },
        files=[servers],
        secrets=[password, pgpass],
        ports=[Port(container=PORT, host=settings.pgadmin_port)],
        # The image's Python carries this as a file capability: without it in the container's
        # set, the kernel refuses to start the binary at all.
        capabilities=["NET_BIND_SERVICE"],
        readiness=Probe(command=by_wget(PORT, HEALTH)),
        limits=Limits(memory=768, cpu_shares=256, pids=128),
    )


def _servers() -> str:
    server = {
        "Name": "Ontology Hub",
        "Group": "Servers",
        "Host": postgres.ROLE,
        "Port": postgres.PORT,
        "MaintenanceDB": postgres.DATABASE,
        "Username": roles.OWNER,
        # Where the image puts a copy of PGPASS_FILE, as the first user's storage sees it.
        "ConnectionParameters": {"sslmode": "prefer", "passfile": "/.pgpass"},
    }
    return json.dumps({"Servers": {"1": server}}, indent=2)
