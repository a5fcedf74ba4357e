"""The backup service: dumps by a schedule, into a folder of this machine."""

from infra import backups, metrics, ontology
from infra.images import PIP_INSTALL, ROOT, public_image
from infra.naming import Naming
from infra.passwords import Passwords
from infra.services import backend, postgres, roles
from infra.settings import StackSettings
from infra.versions import PYTHON
from infra.workload import DATA, BuiltImage, HostMount, Limits, Probe, SecretFile, Service

ROLE = "backup"
PORT = 9100
HEALTH = "/health"
FOLDER = "/backups"


def service(settings: StackSettings, naming: Naming, secrets: Passwords) -> Service | None:
    """Return the service, which reads as `ontology_read`; None where no schedule is set."""
    if not settings.backup_schedule:
        return None
    folder = backups.folder(settings, naming.stack)
    uid = backups.owner(folder)
    pgpass = SecretFile(name="pgpass", value=postgres.pgpass(roles.READ, secrets.read), uid=uid)
    return Service(
        role=ROLE,
        image=BuiltImage(
            role=ROLE,
            name=naming.of(ROLE),
            digest=backend.digest_of("backup", "constraints.txt", PIP_INSTALL),
            context=str(ROOT),
            dockerfile="backup/Dockerfile",
            target="backup",
            base=public_image(PYTHON, settings),
        ),
        user=f"{uid}:{uid}",
        networks=[DATA, *metrics.networks(settings)],
        env={
            "BACKUP_SCHEDULE": settings.backup_schedule,
            "BACKUPS_KEPT": str(settings.backups_kept),
            "BACKUP_FOLDER": FOLDER,
            "LOG_LEVEL": settings.log_level,
            "STACK": naming.stack,
            "PGHOST": postgres.ROLE,
            "PGPORT": str(postgres.PORT),
            "PGDATABASE": postgres.DATABASE,
            "PGUSER": roles.READ,
            "PGPASSFILE": pgpass.path,
            "PGCONNECT_TIMEOUT": "10",
            "HTTP_PORT": str(PORT),
        },
        secrets=[pgpass],
        mounts=[HostMount(source=str(folder), path=FOLDER, read_only=False)],
        anew_with={"folder-inode": ontology.inode(folder)},
        # The service leaves this file behind when its last dump has failed; what it says is shown.
        # The first look comes when a dump at the start, made because one was missed, has had time
        # to fail: so a stack whose dumps fail fails `up`.
        readiness=Probe(
            command=["sh", "-c", "! cat /tmp/failed 2>/dev/null"],
            interval=5,
            start_period=0,
            retries=1,
        ),
        limits=Limits(memory=256, cpu_shares=256, pids=32),
    )
