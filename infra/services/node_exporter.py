"""The node exporter: how full the disks are that the stack's data and dumps lie on.

Nothing else of the machine: that is for whoever looks after it.
"""

from infra import backups, ontology
from infra.images import public_image
from infra.naming import Naming
from infra.probes import by_wget
from infra.services import postgres
from infra.settings import StackSettings
from infra.versions import NODE_EXPORTER
from infra.workload import METRICS, HostMount, Limits, Probe, Service, VolumeMount

ROLE = "node-exporter"
PORT = 9100
HEALTH = "/"
UID = 65534  # `nobody` in the public image and in its twin

# The metrics' label `mountpoint`. It can list neither, but ask for their file systems.
DATA = "/disks/data"
BACKUPS = "/disks/backups"

OPTIONS = (
    "--collector.disable-defaults",
    "--collector.filesystem",
    "--collector.filesystem.mount-points-include=^/disks/",
    # Of whatever type: left to itself, it leaves out overlays, which an engine inside a container
    # has its volumes on.
    "--collector.filesystem.fs-types-include=.",
    "--web.disable-exporter-metrics",
)


def service(settings: StackSettings, naming: Naming) -> Service:
    """Return the exporter, with the database's volume and, where dumps are made, their folder."""
    disks: list[VolumeMount | HostMount] = [
        VolumeMount(volume=postgres.DATA_VOLUME, path=DATA, read_only=True)
    ]
    anew_with = {}
    if settings.backup_schedule:
        folder = backups.folder(settings, naming.stack)
        disks.append(HostMount(source=str(folder), path=BACKUPS))
        anew_with = {"folder-inode": ontology.inode(folder)}
    return Service(
        role=ROLE,
        image=public_image(NODE_EXPORTER, settings),
        user=f"{UID}:{UID}",
        networks=[METRICS],
        command=OPTIONS,
        mounts=disks,
        anew_with=anew_with,
        readiness=Probe(command=by_wget(PORT, HEALTH)),
        limits=Limits(memory=64, cpu_shares=256, pids=64),
    )
