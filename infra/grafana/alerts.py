"""The alert rules: what a person must act on, and what to do then.

Each rule is a query that has a value in health as well, and the threshold that the value must not
pass: so no data is never mistaken for health. Grafana adds and changes what this file lists, and
removes only what it lists as gone: `GONE` and the rules that a setting has no use for.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from grafana_foundation_sdk.builders import alerting, expr, prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.alerting import RelativeTimeRange
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from infra.grafana.dashboards import traffic
from infra.grafana.queries import PROMETHEUS, or_zero
from infra.settings import StackSettings

# Not the dashboards' folder: this one is found by its title, which Grafana does before it makes
# theirs, and of one title there would be two.
FOLDER = "Ontology Hub: alerts"
GROUP = "hub"
INTERVAL = "1m"

# Rules that an older version of the hub had. A uid stands for one thing for ever.
GONE: tuple[str, ...] = ()

EXPRESSION = DataSourceRef(type_val="__expr__", uid="__expr__")
RANGE = RelativeTimeRange(from_val=600, to=0)

DISKS = (
    'min by (mountpoint) (node_filesystem_avail_bytes{job="disks"}'
    ' / node_filesystem_size_bytes{job="disks"})'
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: it fires once `expression` was `above` or `below` a value for so long.

    `blind` is what no data and a failed query count as. `OK` leaves it to hub-target-down, which
    fires when there is nothing to judge by: one cause, one alert. `remedy` is a heading of
    docs/operations.md. Texts may hold `{{ .Labels.x }}`; a `$` in them would be expanded.
    """

    uid: str
    title: str
    expression: str
    above: float | None = None
    below: float | None = None
    lasting: str
    severity: Literal["critical", "warning"]
    blind: Literal["OK", "Alerting"] = "OK"
    summary: str
    remedy: str


def rules(settings: StackSettings) -> list[Rule]:
    """Return the rules that these settings have a use for."""
    found = [*_availability(), *_disks(), *_jobs(settings)]
    if settings.backup_schedule:
        found += _backups()
    return found if settings.observed else []


def document(settings: StackSettings, every: StackSettings) -> dict[str, Any]:
    """Return the provisioning file. `every` are settings with all that has rules switched on."""
    wanted = rules(settings)
    kept = {rule.uid for rule in wanted}
    gone = [*GONE, *(rule.uid for rule in rules(every) if rule.uid not in kept)]
    group = {
        "orgId": 1,
        "name": GROUP,
        "folder": FOLDER,
        "interval": INTERVAL,
        "rules": [_written(rule) for rule in wanted],
    }
    return {
        "apiVersion": 1,
        **({"groups": [group]} if wanted else {}),
        **({"deleteRules": [{"orgId": 1, "uid": uid} for uid in gone]} if gone else {}),
    }
