"""Asks what a stack's Grafana would ask, with nothing but what stands in its own container."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has none
import yaml

from tests.stack import grafana_macros
from tests.stack.grafana_macros import Window
from tests.stack.prometheus import address, ask
from tests.stack.stack_under_test import Stack, docker

ROLE = "grafana"


# What a query found: values by the labels of their series, or rows as text.
Found = dict[str, Any]

WINDOW = 15 * 60  # seconds that a panel shows


@dataclass
class Grafana:
    """The provisioning files of a running Grafana, and the queries that they hold."""

    stack: Stack
    _read: dict[str, str] = field(default_factory=dict)

    def file(self, path: str) -> str:
        """Return a file as Grafana's own user reads it."""
        if path not in self._read:
            self._read[path] = docker("exec", self.stack.container(ROLE), "cat", path)
        return self._read[path]

    @cached_property
    def env(self) -> dict[str, str]:
        entries = self.stack.inspect(ROLE)["Config"]["Env"]
        return dict(entry.split("=", 1) for entry in entries)

    def provisioned(self, kind: str) -> Any:
        return yaml.safe_load(self.file(f"{self.env['GF_PATHS_PROVISIONING']}/{kind}/hub.yaml"))

    @cached_property
    def sources(self) -> dict[str, dict[str, Any]]:
        """The data sources by uid, with their secrets as Grafana understands them."""
        found = {}
        for source in self.provisioned("datasources")["datasources"]:
            secrets = source.get("secureJsonData", {})
            source["secureJsonData"] = {
                name: grafana_macros.value(text, self.env, self.file)
                for name, text in secrets.items()
            }
            found[source["uid"]] = source
        return found

    def dashboards(self) -> dict[str, dict[str, Any]]:
        """Return the dashboards by uid."""
        (provider,) = self.provisioned("dashboards")["providers"]
        folder = provider["options"]["path"]
        names = docker("exec", self.stack.container(ROLE), "ls", folder).split()
        boards = [json.loads(self.file(f"{folder}/{name}")) for name in names]
        return {board["uid"]: board for board in boards}

    def panels(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Return the queries of each panel that has any, by dashboard and title."""
        return {
            (uid, panel["title"]): panel["targets"]
            for uid, board in self.dashboards().items()
            for panel in board["panels"]
            if panel.get("targets")
        }

    def rules(self) -> dict[str, dict[str, Any]]:
        """Return the alert rules by uid."""
        groups = self.provisioned("alerting")["groups"]
        return {rule["uid"]: rule for group in groups for rule in group["rules"]}

    def run(self, target: dict[str, Any]) -> Found:
        """Return what a panel's query finds in the time range up to now."""
        source = self.sources[target["datasource"]["uid"]]
        if source["type"] == "prometheus":
            return self._promql(target, target["instant"], time.time())
        return {str(number): row for number, row in enumerate(self.run_sql(target["rawSql"]))}

    def last(self, target: dict[str, Any], moment: float) -> Found:
        """Return the point at that moment of what a panel's query finds; SQL knows but the present.

        Seconds since 1970.
        """
        return self._promql(target, True, moment) if "expr" in target else self.run(target)

    def firing(self, uid: str) -> list[dict[str, str]]:
        """Return the labels of what a rule would fire for; no data is what the rule says it is.

        What Grafana does with these three queries: take the value, its last sample, compare.
        """
        rule = self.rules()[uid]
        value, _, beyond = rule["data"]
        (condition,) = beyond["model"]["conditions"]
        (limit,) = condition["evaluator"]["params"]
        found = ask(self.stack, "query", query=value["model"]["expr"])["result"]
        if not found:
            return [{"alertname": "no data"}] if rule["noDataState"] == "Alerting" else []
        above = condition["evaluator"]["type"] == "gt"
        return [
            one["metric"]
            for one in found
            if (float(one["value"][1]) > limit if above else float(one["value"][1]) < limit)
        ]

    def values(self, uid: str) -> list[float]:
        """Return the values that a rule looks at now."""
        expression = self.rules()[uid]["data"][0]["model"]["expr"]
        found = ask(self.stack, "query", query=expression)["result"]
        return [float(one["value"][1]) for one in found]

    def run_sql(self, text: str) -> list[tuple[Any, ...]]:
        """Return the rows that a query finds as the data source's role, by its way in."""
        (source,) = (one for one in self.sources.values() if one["type"] != "prometheus")
        window = Window(time.time() - WINDOW, time.time())
        return asyncio.run(self._sql(grafana_macros.sql(text, window), source))

    def _promql(self, target: dict[str, Any], instant: bool, end: float) -> Found:
        source = self.sources[target["datasource"]["uid"]]
        # Whom `ask` asks.
        assert source["url"] == "http://prometheus:9090"
        least = int(source["jsonData"]["timeInterval"].removesuffix("s"))
        window = Window(end - WINDOW, end)
        text = grafana_macros.promql(target["expr"], window, least)
        step = window.interval(least)
        span = {
            "start": str(window.begin // step * step),
            "end": str(window.end // step * step),
            "step": str(step),
        }
        found = (
            ask(self.stack, "query", query=text, time=str(window.end))
            if instant
            else ask(self.stack, "query_range", query=text, **span)
        )
        points = {
            json.dumps(one["metric"]): [
                value
                for _, value in (one["values"] if "values" in one else [one["value"]])
                if value != "NaN"  # drawn as nothing
            ]
            for one in found["result"]
        }
        return {series: values for series, values in points.items() if values}

    async def _sql(self, text: str, source: dict[str, Any]) -> list[tuple[Any, ...]]:
        host, port = source["url"].split(":")
        options = source["jsonData"]
        connection = await asyncpg.connect(
            host=address(self.stack, host, "tools"),
            port=int(port),
            user=source["user"],
            password=source["secureJsonData"]["password"],
            database=options["database"],
            ssl=options["sslmode"],
        )
        try:
            rows = await connection.fetch(text)
        finally:
            await connection.close()
        if rows and "time" in rows[0]:  # what Grafana asks of a time series
            assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
            assert all(isinstance(row["metric"], str) for row in rows)
        return [tuple(row.values()) for row in rows]
