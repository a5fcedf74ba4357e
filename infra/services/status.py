"""The status service: it asks the others how they are, and the hub's start page shows the answer.

It alone reaches all that answer over HTTP, so that none of them needs to reach another for this. It
holds no secret, publishes no port and takes nothing from whoever asks it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from infra import lookups, metrics
from infra.images import public_image
from infra.probes import by_bash
from infra.settings import StackSettings
from infra.versions import PYTHON
from infra.workload import API, DATA, TOOLS, File, Limits, Probe, Service

ROLE = "status"
PORT = 8080
UID = 65534  # `nobody`
URL = f"http://{ROLE}:{PORT}/"

PROGRAM = Path(__file__).with_name("status_server.py")


def service(settings: StackSettings, asked: Mapping[str, str]) -> Service:
    """Return the service; it is ready when it answers, however those are whom it asks by URL."""
    program = File(name=PROGRAM.name, content=PROGRAM.read_text())
    return Service(
        role=ROLE,
        image=public_image(PYTHON, settings),
        user=f"{UID}:{UID}",
        networks=[
            DATA,
            TOOLS,
            *([] if settings.hot_reload else [API]),
            *metrics.networks(settings),
        ],
        command=["python", "-IS", program.path],
        env={
            "PORT": str(PORT),
            "SERVICES": json.dumps(asked),
            **lookups.ENV,
        },
        files=[program],
        readiness=Probe(command=by_bash(PORT, "/health")),
        limits=Limits(memory=64, cpu_shares=256, pids=64),
    )
