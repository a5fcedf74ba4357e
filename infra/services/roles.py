"""The roles job: creates the database and its three roles, and sets every password.

`ontology` owns and migrates, `ontology_app` reads and writes rows, `ontology_read` reads. The job
works over the local socket, where the superuser needs no password: so it serves the first start,
a rotation, and a kept volume whose old passwords are gone, all in the same way.
"""

from pathlib import Path

from infra.passwords import Passwords
from infra.services import postgres
from infra.settings import StackSettings
from infra.workload import File, Job, Limits, SecretFile, VolumeMount

ROLE = "roles"
OWNER = "ontology"
APP = "ontology_app"
READ = "ontology_read"

SCRIPT = Path(__file__).with_suffix(".sql")


def job(settings: StackSettings, secrets: Passwords) -> Job:
    """Return the job; it comes after the server and before the migrations."""
    script = File(name=SCRIPT.name, content=SCRIPT.read_text())
    return Job(
        role=ROLE,
        image=postgres.image(settings),
        user=f"{postgres.UID}:{postgres.UID}",
        command=["psql", "--quiet", "--no-psqlrc", "--username=postgres", f"--file={script.path}"],
        files=[script],
        secrets=[
            SecretFile(name="postgres_password", value=secrets.postgres, uid=postgres.UID),
            SecretFile(name="owner_password", value=secrets.owner, uid=postgres.UID),
            SecretFile(name="app_password", value=secrets.app, uid=postgres.UID),
            SecretFile(name="read_password", value=secrets.read, uid=postgres.UID),
        ],
        mounts=[
            VolumeMount(volume=postgres.SOCKET_VOLUME, path=postgres.SOCKET_PATH),
            # Not to be read: as long as the ended job holds it, the engine refuses to remove the
            # data volume. A new volume therefore always means that the job is gone too, and runs.
            VolumeMount(volume=postgres.DATA_VOLUME, path=postgres.DATA_PATH, read_only=True),
        ],
        # The script asks the server what it has preloaded, which this decides.
        anew_with={"observed": "true"} if settings.observed else {},
        limits=Limits(memory=128),
        time_limit=120,
    )
