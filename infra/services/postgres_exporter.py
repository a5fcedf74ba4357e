"""The PostgreSQL exporter: the server's own statistics, as metrics for Prometheus."""

from infra.images import public_image
from infra.passwords import Passwords
from infra.services import postgres, roles
from infra.settings import StackSettings
from infra.versions import POSTGRES_EXPORTER
from infra.workload import TOOLS, File, Limits, Probe, SecretFile, Service

ROLE = "postgres-exporter"
PORT = 9187
UID = 65534  # `nobody` in the public image and in its twin

# Beside those that are on by themselves: sizes, locks, cache hits, dead rows, the write-ahead log.
COLLECTED = ("long_running_transactions", "stat_checkpointer")
# There is one server, and no limit for a role.
UNUSED = ("replication", "replication_slot", "roles")

# In milliseconds. A scrape that waits for a lock must not wait beyond the next one.
STATEMENT_TIMEOUT = 10_000

PROBE = ("sh", "-c", f"wget -q -O - http://127.0.0.1:{PORT}/metrics | grep -qx 'pg_up 1'")


def service(settings: StackSettings, secrets: Passwords) -> Service:
    """Return the exporter, which reads as `ontology_read`; it is ready when the server answers.

    What single statements cost is for Grafana to ask of the database itself: as metrics, each of
    them would be some ten series.
    """
    password = SecretFile(name="read_password", value=secrets.read, uid=UID)
    # For servers of others' choice, of which there are none; without it each start warns.
    config = File(name="postgres_exporter.yml", content="auth_modules: {}\n")
    place = f"{postgres.ROLE}:{postgres.PORT}/{postgres.DATABASE}"
    return Service(
        role=ROLE,
        image=public_image(POSTGRES_EXPORTER, settings),
        user=f"{UID}:{UID}",
        networks=[TOOLS],
        command=[
            f"--config.file={config.path}",
            *(f"--collector.{name}" for name in COLLECTED),
            *(f"--no-collector.{name}" for name in UNUSED),
        ],
        env={
            "DATA_SOURCE_URI": f"{place}?sslmode=disable&connect_timeout=5"
            f"&statement_timeout={STATEMENT_TIMEOUT}&application_name={ROLE}",
            "DATA_SOURCE_USER": roles.READ,
            "DATA_SOURCE_PASS_FILE": password.path,
        },
        files=[config],
        secrets=[password],
        readiness=Probe(
            command=PROBE,
            # Each look asks the server for everything.
            interval=5,
            timeout=10,
        ),
        limits=Limits(memory=128, cpu_shares=256, pids=64),
    )
