"""Asks what a stack's Grafana would ask, with nothing but what stands in its own container."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import asyncpg
import yaml

from tests.stack import grafana_macros
from tests.stack.grafana_macros import Window
from tests.stack.prometheus import address, ask
from tests.stack.stack_under_test import Stack, docker

ROLE = "grafana"


@dataclass(frozen=True)
class Answer:
    """What a query returned: its series or rows as text, to count and compare."""

    rows: list[str]


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

    def run(self, target: dict[str, Any], minutes: int = 15) -> list[str]:
        """Return what a panel's query finds in the last minutes: a text for each series or row."""
        window = Window(time.time() - minutes * 60, time.time())
        source = self.sources[target["datasource"]["uid"]]
        if source["type"] == "prometheus":
            return self._promql(target, source, window)
        return asyncio.run(self._sql(target, source, window))

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

    def value(self, uid: str) -> list[float]:
        """Return the values that a rule looks at now."""
        expression = self.rules()[uid]["data"][0]["model"]["expr"]
        found = ask(self.stack, "query", query=expression)["result"]
        return [float(one["value"][1]) for one in found]

    def _promql(self, target: dict[str, Any], source: dict[str, Any], window: Window) -> list[str]:
        host, port = source["url"].removeprefix("http://").split(":")
        assert (host, port) == ("prometheus", "9090")  # whom `ask` asks
        least = int(source["jsonData"]["timeInterval"].removesuffix("s"))
        text = grafana_macros.promql(target["expr"], window, least)
        if target["instant"]:
            found = ask(self.stack, "query", query=text, time=str(window.end))
            return [json.dumps(one) for one in found["result"]]
        step = window.interval(least)
        found = ask(
            self.stack,
            "query_range",
            query=text,
            start=str(window.begin // step * step),
            end=str(window.end // step * step),
            step=str(step),
        )
        # A series of NaN alone is drawn as nothing.
        return [
            json.dumps(one)
            for one in found["result"]
            if any(value != "NaN" for _, value in one["values"])
        ]

    async def _sql(
        self, target: dict[str, Any], source: dict[str, Any], window: Window
    ) -> list[str]:
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
            rows = await connection.fetch(grafana_macros.sql(target["rawSql"], window))
        finally:
            await connection.close()
        if target["format"] == "time_series" and rows:
            times = [row["time"] for row in rows]
            assert times == sorted(times)
            assert all(isinstance(row["metric"], str) for row in rows)
        return [str(tuple(row.values())) for row in rows]
