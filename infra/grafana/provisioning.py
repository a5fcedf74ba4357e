"""Which files Grafana is provisioned by, and where it finds them.

YAML is written in block style: `$__file{...}` in a mapping in braces is broken YAML, and one broken
file keeps the whole server from starting.
"""

from typing import Any

import yaml

from infra.grafana import alerts, datasources
from infra.grafana.dashboards import database, ontology, start, traffic
from infra.settings import StackSettings
from infra.workload import FILES_FOLDER, File

FOLDER = "provisioning"
PATH = f"{FILES_FOLDER}/{FOLDER}"  # GF_PATHS_PROVISIONING
DASHBOARDS = "dashboards"
HOME = f"{FILES_FOLDER}/{DASHBOARDS}/{start.UID}.json"

# What Grafana shows without Prometheus: these ask the database alone.
ALWAYS = (start, ontology)
OBSERVED = (traffic, database)


def files(settings: StackSettings, password_path: str) -> list[File]:
    """Return the files; `password_path` is where Grafana finds its password of the database."""
    documents = {
        "datasources": datasources.document(settings, password_path),
        "dashboards": _provider(),
        "alerting": alerts.document(settings),
    }
    boards = [*ALWAYS, *(OBSERVED if settings.observed else ())]
    return [
        *(
            File(name=f"{FOLDER}/{kind}/hub.yaml", content=_yaml(document))
            for kind, document in documents.items()
        ),
        *(
            File(name=f"{DASHBOARDS}/{board.UID}.json", content=board.build(settings))
            for board in boards
        ),
    ]


def _provider() -> dict[str, Any]:
    provider = {
        "name": "hub",
        "orgId": 1,
        "folder": "Ontology Hub",
        "folderUid": "hub",
        "type": "file",
        # A dashboard whose file is gone goes too.
        "disableDeletion": False,
        # What is changed in the browser would be lost at the next start: save it as a copy.
        "allowUiUpdates": False,
        # The files change with a new container only.
        "updateIntervalSeconds": 3600,
        "options": {"path": f"{FILES_FOLDER}/{DASHBOARDS}"},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, default_flow_style=False, sort_keys=False, width=100)
