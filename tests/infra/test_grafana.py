"""What Grafana is provisioned by: shapes as it documents them, and names that never change.

The shapes are those of docs/sources/administration/provisioning and docs/sources/alerting/set-up/
provision-alerting-resources/file-provisioning in grafana/grafana, and of the types that read them
(pkg/services/provisioning). Whether the queries find anything is tests/stack/test_dashboards.py's.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from infra.grafana import datasources, provisioning, rules
from infra.settings import StackSettings
from tests.infra.declared_graph import Declare, Graph
from tests.stack.operations import entries

PASSWORD = "/run/secrets/datasource_password"

# Bookmarks, links and silences name them: an entry may come, but never change or go.
DASHBOARD_UIDS = {"hub-start", "hub-traffic", "hub-database", "hub-ontology"}
SOURCE_UIDS = {
    "hub-prometheus": "prometheus",
    "hub-postgresql": "grafana-postgresql-datasource",
}
RULE_UIDS = {
    "hub-down",
    "hub-database-down",
    "hub-proxy-down",
    "hub-target-down",
    "hub-errors",
    "hub-slow",
    "hub-disk",
    "hub-disk-full",
    "hub-migration-failed",
    "hub-import-failed",
    "hub-backup-failed",
    "hub-backup-overdue",
}

# Panels that have no query: text and lists.
WITHOUT_QUERY = {"text", "alertlist", "dashlist"}


def settings(**changes: Any) -> StackSettings:
    return StackSettings.model_validate(changes)


EVERYTHING = settings(backupSchedule="15 3 * * *", ontologyPath="docs")
UNOBSERVED = settings(observability="false")


def files(of: StackSettings = EVERYTHING) -> dict[str, str]:
    return {file.name: file.content for file in provisioning.files(of, PASSWORD)}


def document(kind: str, of: StackSettings = EVERYTHING) -> Any:
    return yaml.safe_load(files(of)[f"provisioning/{kind}/hub.yaml"])


def dashboards(of: StackSettings = EVERYTHING) -> dict[str, Any]:
    found = {name: text for name, text in files(of).items() if name.endswith(".json")}
    return {PurePosixPath(name).stem: json.loads(text) for name, text in found.items()}


def panels(of: StackSettings = EVERYTHING) -> Iterator[tuple[str, dict[str, Any]]]:
    for uid, board in dashboards(of).items():
        for panel in board["panels"]:
            yield f"{uid}: {panel['title']}", panel


def alert_rules(of: StackSettings = EVERYTHING) -> list[dict[str, Any]]:
    return [rule for group in document("alerting", of).get("groups", []) for rule in group["rules"]]


def test_no_uid_ever_changes() -> None:
    assert {uid: board["uid"] for uid, board in dashboards().items()} == {
        uid: uid for uid in DASHBOARD_UIDS
    }
    sources = document("datasources")["datasources"]
    assert {one["uid"]: one["type"] for one in sources} == SOURCE_UIDS
    assert [rule["uid"] for rule in alert_rules()] == [rule.uid for rule in rules.EVERY]
    assert {rule.uid for rule in rules.EVERY} == RULE_UIDS
    (provider,) = document("dashboards")["providers"]
    assert provider["folderUid"] == "hub"
    # Grafana takes letters, digits, - and _, and 40 of them at most.
    for uid in DASHBOARD_UIDS | SOURCE_UIDS.keys() | RULE_UIDS:
        assert re.fullmatch("[a-zA-Z0-9_-]{1,40}", uid)


def test_nothing_is_written_in_braces() -> None:
    for of in (EVERYTHING, UNOBSERVED):
        for name, text in files(of).items():
            if name.endswith(".yaml"):
                assert not [event for event in yaml.parse(text) if getattr(event, "flow_style", 0)]


def test_the_data_sources_have_the_documented_shape() -> None:
    found = document("datasources")
    assert found["apiVersion"] == 1
    assert found["prune"] is True
    prometheus, postgresql = found["datasources"]
    assert prometheus["url"] == "http://prometheus:9090"
    assert prometheus["jsonData"]["timeInterval"] == "15s"
    assert postgresql["url"] == "db:5432"
    assert postgresql["user"] == "ontology_read"
    assert postgresql["secureJsonData"] == {"password": f"$__file{{{PASSWORD}}}"}
    options = postgresql["jsonData"]
    assert options["database"] == "ontology_hub"
    assert options["sslmode"] in ("disable", "require", "verify-ca", "verify-full")
    assert options["postgresVersion"] == 1700
    assert options["timescaledb"] is False
    assert 0 < options["maxIdleConns"] <= options["maxOpenConns"] <= 10
    for source in (prometheus, postgresql):
        assert source["access"] == "proxy"
        assert source["editable"] is False
        assert source["name"]
    assert [prometheus["isDefault"], postgresql["isDefault"]] == [True, False]


def test_the_dashboards_are_read_from_where_they_are_and_cannot_be_changed() -> None:
    found = document("dashboards")
    assert found["apiVersion"] == 1
    (provider,) = found["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    folder = PurePosixPath(provider["options"]["path"])
    for name in files():
        at = PurePosixPath("/run/secrets") / name
        # Each kind of file in the folder where Grafana looks for it, and nothing else in there.
        assert at.parent == folder if name.endswith(".json") else at.name == "hub.yaml"
    for board in dashboards().values():
        assert board["editable"] is False


def test_every_panel_has_a_title_a_unit_and_a_place_of_its_own() -> None:
    for uid, board in dashboards().items():
        titles = [panel["title"] for panel in board["panels"]]
        assert len({*titles}) == len(titles), uid
        assert [panel["id"] for panel in board["panels"]] == [*range(1, len(titles) + 1)]
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (place["x"] + x, place["y"] + y)
                for x in range(place["w"])
                for y in range(place["h"])
            }
            assert max(x for x, _ in cells) < 24, panel["title"]
            assert not cells & taken, panel["title"]
            taken |= cells
    for name, panel in panels():
        assert panel["title"], name
        if panel["type"] not in WITHOUT_QUERY:
            assert panel["fieldConfig"]["defaults"]["unit"], name


def test_every_query_names_its_data_source_and_a_letter_of_its_own() -> None:
    for name, panel in panels():
        targets = panel.get("targets", [])
        assert bool(targets) is (panel["type"] not in WITHOUT_QUERY), name
        assert len({target["refId"] for target in targets}) == len(targets), name
        for target in targets:
            source = target["datasource"]
            assert SOURCE_UIDS[source["uid"]] == source["type"], name
            assert source == panel["datasource"], name
            if source["uid"] == "hub-prometheus":
                assert target["expr"], name
                assert target["instant"] is not target["range"], name
            else:
                assert target["rawQuery"] is True, name
                assert target["format"] in ("table", "time_series"), name
                assert panel["type"] != "timeseries" or target["format"] == "time_series", name


def test_sql_only_reads_and_holds_no_dollar_but_in_macros() -> None:
    queries = [
        (name, target["rawSql"])
        for name, panel in panels()
        for target in panel.get("targets", [])
        if "rawSql" in target
    ]
    assert len(queries) > 20
    for name, text in queries:
        assert re.match("(SELECT|WITH) ", text), name
        assert ";" not in text, name
        words = {*re.findall("[a-z]+", text.lower())}
        assert not words & {"insert", "update", "delete", "drop", "alter", "create", "call"}, name
        # Grafana would take it for a variable of the dashboard.
        assert set(re.findall(r"\$\w*", text)) <= {
            "$__timeGroupAlias",
            "$__interval",
            "$__timeFrom",
            "$__timeTo",
        }, name


def test_the_alert_rules_have_the_documented_shape() -> None:
    found = document("alerting")
    assert found["apiVersion"] == 1
    (group,) = found["groups"]
    assert {"orgId", "name", "folder", "interval", "rules"} == group.keys()
    assert group["folder"] != document("dashboards")["providers"][0]["folder"]
    for rule in group["rules"]:
        uid = rule["uid"]
        assert re.fullmatch("[0-9]+[smh]", rule["for"]), uid
        assert rule["noDataState"] in ("NoData", "Alerting", "OK"), uid
        assert rule["execErrState"] in ("Error", "Alerting", "OK"), uid
        assert rule["labels"]["severity"] in ("critical", "warning"), uid
        value, last, beyond = rule["data"]
        assert rule["condition"] == beyond["refId"], uid
        assert value["datasourceUid"] == "hub-prometheus", uid
        assert value["model"]["instant"] is True, uid
        for before, query in pairwise(rule["data"]):
            assert query["datasourceUid"] == "__expr__", uid
            assert query["model"]["expression"] == before["refId"], uid
        for query in rule["data"]:
            assert query["refId"] == query["model"]["refId"], uid
            assert query["relativeTimeRange"]["from"] > query["relativeTimeRange"]["to"] >= 0, uid
        assert (last["model"]["type"], beyond["model"]["type"]) == ("reduce", "threshold"), uid
        (condition,) = beyond["model"]["conditions"]
        assert condition["evaluator"]["type"] in ("gt", "lt"), uid
        (limit,) = condition["evaluator"]["params"]
        assert isinstance(limit, int | float), uid


def test_a_prometheus_that_does_not_answer_is_told_once() -> None:
    blind = {rule["uid"]: (rule["noDataState"], rule["execErrState"]) for rule in alert_rules()}
    assert blind.pop("hub-target-down") == ("Alerting", "Alerting")
    assert set(blind.values()) == {("OK", "OK")}


def test_every_alert_says_what_to_do_where_the_guide_tells_it() -> None:
    assert {rule.remedy for rule in rules.EVERY} <= entries().keys()
    for rule in alert_rules():
        assert rule["annotations"].keys() == {"summary", "description"}
        # Outside the queries' models, Grafana expands variables in these files.
        texts = [rule["title"], *rule["annotations"].values(), *rule["labels"].values()]
        assert "$" not in "".join(texts), rule["uid"]


def test_rules_without_a_use_are_taken_back() -> None:
    none = settings()
    always = {rule.uid for rule in rules.ALWAYS}
    assert {rule["uid"] for rule in alert_rules(none)} == {*always, "hub-proxy-down"}
    assert {rule["uid"] for rule in alert_rules(settings(hotReload="true"))} == always
    for of in (none, EVERYTHING, UNOBSERVED):
        gone = [one["uid"] for one in document("alerting", of).get("deleteRules", [])]
        kept = [rule["uid"] for rule in alert_rules(of)]
        assert sorted(gone + kept) == sorted(RULE_UIDS)


def test_without_observability_nothing_asks_prometheus() -> None:
    assert "prometheus" not in json.dumps(document("datasources", UNOBSERVED))
    (postgresql,) = document("datasources", UNOBSERVED)["datasources"]
    assert postgresql["isDefault"] is True
    assert dashboards(UNOBSERVED).keys() == {"hub-start", "hub-ontology"}
    for name, panel in panels(UNOBSERVED):
        assert panel["type"] != "alertlist", name
        assert panel.get("datasource", {}).get("uid") != "hub-prometheus", name
    assert not alert_rules(UNOBSERVED)


def test_the_start_page_leads_everywhere() -> None:
    start = dashboards(settings(portOffset="7", bindAddress="192.0.2.7"))["hub-start"]
    text = next(panel for panel in start["panels"] if panel["type"] == "text")["options"]["content"]
    for url in ("http://192.0.2.7:8007/", "http://192.0.2.7:8007/docs", "http://192.0.2.7:5057"):
        assert f"({url})" in text
    assert {"alertlist", "dashlist"} <= {panel["type"] for panel in start["panels"]}


def grafana(graph: Graph) -> tuple[dict[str, str], dict[str, Any]]:
    env = dict(entry.split("=", 1) for entry in graph.containers["grafana"]["envs"])
    uploads = graph.couriers["grafana"]["uploads"]
    return env, {upload["file"]: upload for upload in uploads.get("value", uploads)}


def test_grafana_is_told_where_its_files_are(declare: Declare) -> None:
    env, uploads = grafana(declare())
    assert f"{env['GF_PATHS_PROVISIONING']}/datasources/hub.yaml" in uploads
    assert env["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] in uploads
    assert PASSWORD in uploads


@pytest.mark.parametrize("password", ["plain-password", "$HOME${X}$$1$__file{/x}%\"'\\"])
def test_no_file_but_its_own_holds_the_password_and_there_each_dollar_is_a_variable(
    declare: Declare, password: str
) -> None:
    env, uploads = grafana(declare(secrets={"readPassword": password}))
    held = {name: json.dumps(upload) for name, upload in uploads.items()}
    written = password.replace("$", "${DOLLAR}")
    assert [name for name, text in held.items() if json.dumps(written)[1:-1] in text] == [PASSWORD]
    assert env[datasources.DOLLAR] == "$"
