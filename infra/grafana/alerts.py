"""The file by which Grafana gets the alert rules.

It has no contact point: who is to be told, and how, is for the person who runs the hub
(README.md, "Grafana").
"""

import json
from typing import Any

from grafana_foundation_sdk.builders import alerting, expr, prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.alerting import RelativeTimeRange
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from infra.grafana import rules
from infra.grafana.queries import PROMETHEUS
from infra.grafana.rules import Rule
from infra.settings import StackSettings

# Not the dashboards' folder: Grafana makes this one first, by its title and with a uid of its own,
# and would then make the dashboards' beside it, of the same title.
FOLDER = "Ontology Hub: alerts"
GROUP = "hub"
INTERVAL = "1m"

# Rules that an older version of the hub had.
GONE: tuple[str, ...] = ()

EXPRESSION = DataSourceRef(type_val="__expr__", uid="__expr__")  # Grafana's own arithmetic


def document(settings: StackSettings) -> dict[str, Any]:
    """Return the provisioning file: Grafana takes back only those rules that it lists as gone."""
    wanted = rules.of(settings)
    unwanted = [rule.uid for rule in rules.EVERY if rule not in wanted]
    group = {
        "orgId": 1,
        "name": GROUP,
        "folder": FOLDER,
        "interval": INTERVAL,
        "rules": [_written(rule) for rule in wanted],
    }
    gone = [{"orgId": 1, "uid": uid} for uid in (*GONE, *unwanted)]
    return {
        "apiVersion": 1,
        **({"groups": [group]} if wanted else {}),
        **({"deleteRules": gone} if gone else {}),
    }


def _written(rule: Rule) -> dict[str, Any]:
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "data": [_plain(query) for query in _queries(rule)],
        "for": rule.lasting,
        "noDataState": rule.blind,
        "execErrState": rule.blind,
        "labels": {"severity": rule.severity},
        "annotations": {
            "summary": rule.summary,
            "description": f'What to do: docs/operations.md, "{rule.remedy}".',
        },
        "isPaused": False,
    }


def _queries(rule: Rule) -> list[alerting.Query]:
    """Return the value (A), its last sample (B), and whether that is beyond the limit (C)."""
    value = prometheus.Dataquery().ref_id("A").datasource(PROMETHEUS).expr(rule.value).instant()
    last = expr.TypeReduce().ref_id("B").datasource(EXPRESSION).expression("A").reducer("last")
    evaluator = expr.ExprTypeThresholdConditionsEvaluator().type(rule.beyond).params([rule.limit])
    beyond = (
        expr.TypeThreshold()
        .ref_id("C")
        .datasource(EXPRESSION)
        .expression("B")
        .conditions([expr.ExprTypeThresholdConditions().evaluator(evaluator)])
    )
    return [
        _query("A", PROMETHEUS, value),
        _query("B", EXPRESSION, last),
        _query("C", EXPRESSION, beyond),
    ]


def _query(letter: str, source: DataSourceRef, model: Builder[Dataquery]) -> alerting.Query:
    # Seconds before now. Required for each query; an instant one is made for its end.
    span = RelativeTimeRange(from_val=600, to=0)
    query = alerting.Query(letter).datasource_uid(str(source.uid)).relative_time_range(span)
    return query.model(model)


def _plain(query: alerting.Query) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(query.build(), cls=JSONEncoder))
    return plain
