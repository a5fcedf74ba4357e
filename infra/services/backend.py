"""The backend, and the image that it shares with the migrations."""

import hashlib

from infra import addresses, lookups, metrics, ontology
from infra.images import PIP_INSTALL, ROOT, public_image
from infra.naming import Naming
from infra.passwords import Passwords
from infra.services import postgres, roles, status
from infra.settings import StackSettings
from infra.versions import PYTHON
from infra.workload import (
    API,
    DATA,
    BuiltImage,
    HostMount,
    Limits,
    Port,
    Probe,
    SecretFile,
    Service,
)

ROLE = "backend"
PORT = 8000
UID = 10001  # `hub` in app/Dockerfile
HOME = "/srv"
ONTOLOGY = f"{HOME}/ontology"

# What the Dockerfile copies; .dockerignore lets nothing else into the build.
DEPENDENCIES = (
    "app/Dockerfile",
    "app/requirements.txt",
    "constraints.txt",
    PIP_INSTALL,
    "alembic.ini",
)
CODE = ("app", "migrations")

# What app/config.py takes under the same names, in capitals.
OWN_SETTINGS = (
    "log_level",
    "cors_origins",
    "drafts_per_hour",
    "draft_reads_per_minute",
    "lists_per_minute",
    "reads_per_minute",
    "trusted_proxies",
    "max_body_bytes",
    "request_timeout",
    "draft_lifetime_days",
)

# Where its start page leads. It reaches neither of them itself: how they are, `status` tells it.
LINKED = ("pgadmin_url", "grafana_url")


def image(settings: StackSettings, naming: Naming) -> BuiltImage:
    """Return the image: dependencies alone for hot reload, the code baked in otherwise."""
    inputs = DEPENDENCIES if settings.hot_reload else DEPENDENCIES + CODE
    return BuiltImage(
        role=ROLE,
        name=naming.of(ROLE),
        digest=digest_of(*inputs),
        context=str(ROOT),
        dockerfile="app/Dockerfile",
        target="deps" if settings.hot_reload else "full",
        base=public_image(PYTHON, settings),
    )


def digest_of(*inputs: str) -> str:
    """Return a short digest over the files and folders `inputs`, relative to the project's root."""
    digest = hashlib.sha256()
    for name in inputs:
        path = ROOT / name
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def code_mounts(settings: StackSettings) -> list[HostMount]:
    """Return the mounts that put this work tree's code into the container, for hot reload."""
    if not settings.hot_reload:
        return []
    return [HostMount(source=str(ROOT / name), path=f"{HOME}/{name}") for name in CODE]


def ontology_mounts(settings: StackSettings) -> list[HostMount]:
    """Return the mount of the ontology's source, where there is one."""
    source = ontology.source(settings)
    return [HostMount(source=str(source), path=ONTOLOGY)] if source else []


def database_env(role: str, password: SecretFile) -> dict[str, str]:
    """Return the variables by which app/config.py finds the database."""
    return {
        "DATABASE_HOST": postgres.ROLE,
        "DATABASE_PORT": str(postgres.PORT),
        "DATABASE_NAME": postgres.DATABASE,
        "DATABASE_USER": role,
        "DATABASE_PASSWORD_FILE": password.path,
    }


def job_env(settings: StackSettings, role: str, password: SecretFile) -> dict[str, str]:
    """Return the variables of a job that runs the backend's code as this role."""
    return {**database_env(role, password), "LOG_LEVEL": settings.log_level}


def service(settings: StackSettings, naming: Naming, secrets: Passwords) -> Service:
    """Return the API server, which reads and writes rows as `ontology_app`.

    With its code baked in, it stands behind the proxy, which has the host port; a new one is ready
    before the old one goes. How it is started stands in app/serve.py.
    """
    password = SecretFile(name="app_password", value=secrets.app, uid=UID)
    keys = [
        SecretFile(name=name, value=value, uid=UID)
        for name, value in (("admin_secret", secrets.admin), ("webhook_secret", secrets.webhook))
        if value is not None
    ]
    source = ontology.source(settings)
    urls = addresses.urls(settings)
    return Service(
        role=ROLE,
        image=image(settings, naming),
        user=f"{UID}:{UID}",
        networks=[DATA, *([] if settings.hot_reload else [API]), *metrics.networks(settings)],
        env={
            **database_env(roles.APP, password),
            "BEHIND_PROXY": str(not settings.hot_reload).lower(),
            "DEBUG": str(settings.debug).lower(),
            **{name.upper(): str(getattr(settings, name)) for name in OWN_SETTINGS},
            **{name.upper(): urls[name] for name in LINKED if name in urls},
            "STATUS_URL": status.URL,
            **({"ONTOLOGY_PATH": ONTOLOGY} if source else {}),
            **{f"{key.name.upper()}_FILE": key.path for key in keys},
            **lookups.ENV,
            **metrics.env(settings),
        },
        secrets=[password, *keys],
        ports=[Port(container=PORT, host=settings.backend_port)] if settings.hot_reload else [],
        mounts=[*code_mounts(settings), *ontology_mounts(settings)],
        anew_with={"ontology-inode": ontology.inode(source)} if source else {},
        readiness=_probe("ready"),
        liveness=_probe("live"),
        limits=Limits(memory=512, pids=256),
        # What app/serve.py takes at most, and a little.
        stop_grace=30,
        rolling=not settings.hot_reload,
    )


def _probe(what: str) -> Probe:
    return Probe(command=["python", "-IS", f"{HOME}/app/healthcheck.py", what])
