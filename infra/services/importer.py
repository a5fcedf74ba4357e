"""The importer job: brings the database to what the ontology's source says."""

import pulumi

from infra import ontology
from infra.naming import Naming
from infra.passwords import Passwords
from infra.services import backend, roles
from infra.settings import StackSettings
from infra.workload import DATA, Job, Limits, SecretFile

ROLE = "importer"


def job(
    settings: StackSettings, naming: Naming, secrets: Passwords, roles_job: pulumi.Input[str]
) -> Job | None:
    """Return the job, None where no ontology is configured.

    It runs again when the source's content changes, and with the roles job (`roles_job` is its
    container's id): then the volume may be new and empty.
    """
    source = ontology.source(settings)
    if source is None:
        return None
    password = SecretFile(name="app_password", value=secrets.app, uid=backend.UID)
    return Job(
        role=ROLE,
        image=backend.image(settings, naming),
        user=f"{backend.UID}:{backend.UID}",
        networks=[DATA],
        command=["python", "-m", "app.importer", backend.ONTOLOGY],
        env=backend.job_env(settings, roles.APP, password),
        secrets=[password],
        mounts=[*backend.code_mounts(settings), *backend.ontology_mounts(settings)],
        anew_with={"ontology": ontology.digest(source), "roles-job": roles_job},
        limits=Limits(memory=512),
    )
