"""PostgreSQL: the one place where the ontology lives."""

import pulumi

from infra.images import public_image
from infra.settings import StackSettings
from infra.versions import POSTGRES
from infra.workload import (
    DATA,
    TOOLS,
    Limits,
    Port,
    Probe,
    PublicImage,
    Service,
    VolumeMount,
)

ROLE = "db"
PORT = 5432
DATABASE = "ontology_hub"
MAJOR = int(POSTGRES.rpartition(":")[2].split(".")[0])
UID = 999  # `postgres` in the public image and in its twin

DATA_VOLUME = "pgdata"
DATA_PATH = "/var/lib/postgresql/data"
# Whoever mounts the socket's volume may become superuser: the roles job alone does.
SOCKET_VOLUME = "pgsocket"
SOCKET_PATH = "/var/run/postgresql"


# Statements are told apart by their shape; the text of each lies in a file of the data folder.
# Utility statements would be kept as they are written, the passwords of ALTER ROLE included.
STATISTICS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.max": "1000",
    "pg_stat_statements.track_utility": "off",
}


def image(settings: StackSettings) -> PublicImage:
    """Return the image of the server, which also carries psql for the roles job."""
    return public_image(POSTGRES, settings)


def pgpass(role: str, password: pulumi.Output[str]) -> pulumi.Output[str]:
    """Return the line by which libpq connects as `role`; `:` and `\\` end a field there."""
    escaped = password.apply(lambda text: text.replace("\\", "\\\\").replace(":", "\\:"))
    return pulumi.Output.concat(f"{ROLE}:{PORT}:*:{role}:", escaped, "\n")


def service(settings: StackSettings) -> Service:
    """Return the server; the roles job gives it its database, its roles and all passwords."""
    return Service(
        role=ROLE,
        image=image(settings),
        user=f"{UID}:{UID}",
        networks=[DATA, TOOLS],
        # Said also where it is the image's own: the provider leaves a command that is no longer
        # given as it was.
        command=["postgres", *(_options(STATISTICS) if settings.observed else [])],
        env={
            # The image insists on a password for a new, empty database: this one the kernel makes
            # up at each reading, and nobody knows it. The roles job sets the configured one, so
            # that a change of it restarts no server, and no environment holds it (the public
            # image's entrypoint puts this one there).
            "POSTGRES_PASSWORD_FILE": "/proc/sys/kernel/random/uuid",
            "POSTGRES_INITDB_ARGS": "--data-checksums",
        },
        ports=[Port(container=PORT, host=settings.database_port)] if settings.database_port else [],
        mounts=[
            VolumeMount(volume=DATA_VOLUME, path=DATA_PATH),
            VolumeMount(volume=SOCKET_VOLUME, path=SOCKET_PATH),
        ],
        readiness=Probe(
            # Over TCP: while the data folder is being initialised, a temporary server already
            # answers on the socket.
            command=["pg_isready", "--quiet", "--host=127.0.0.1", "--username=postgres"],
            interval=1,
        ),
        # Parallel queries fail with the engine's 64 MiB of shared memory.
        limits=Limits(memory=1024, pids=256, shared_memory=256),
        # A server that is killed before its shutdown checkpoint recovers at the next start, slowly.
        stop_grace=60,
    )


def _options(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
