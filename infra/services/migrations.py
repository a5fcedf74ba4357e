"""The migrations job: Alembic brings the database to the code's revision before the backend."""

import pulumi

from infra.naming import Naming
from infra.passwords import Passwords
from infra.services import backend, roles
from infra.settings import StackSettings
from infra.workload import DATA, Job, Limits, SecretFile


def job(
    settings: StackSettings, naming: Naming, secrets: Passwords, roles_job: pulumi.Input[str]
) -> Job:
    """Return the job; `roles_job` is the id of the roles job's container.

    A roles job that ran again means a new volume or new passwords: then this runs again too.
    """
    password = SecretFile(name="owner_password", value=secrets.owner, uid=backend.UID)
    return Job(
        role="migrations",
        image=backend.image(settings, naming),
        user=f"{backend.UID}:{backend.UID}",
        networks=[DATA],
        # Quiet: an error is an event of the log, and is not printed besides (migrations/env.py).
        command=["alembic", "--quiet", "upgrade", "head"],
        env=backend.job_env(settings, roles.OWNER, password),
        secrets=[password],
        mounts=backend.code_mounts(settings),
        anew_with={
            "migrations": backend.digest_of("migrations"),
            "roles-job": roles_job,
        },
        limits=Limits(memory=256),
    )
