"""Queries to the two data sources, as panels and alert rules carry them."""

from collections.abc import Sequence
from typing import Protocol, cast

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

# Grafana's plugin ids. `postgres`, as old examples have it, is another plugin's former name.
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="hub-prometheus")
POSTGRESQL = DataSourceRef(type_val="grafana-postgresql-datasource", uid="hub-postgresql")

Query = Builder[Dataquery]


class _Named(Protocol):
    """What every query has, and the SDK's base class does not tell of."""

    ref_id: str
    datasource: DataSourceRef


def over_time(expression: str, legend: str = "") -> Query:
    """Return a PromQL query for the dashboard's time range; `legend` may hold `{{label}}`."""
    query = prometheus.Dataquery().expr(expression).range()
    return _of(query.legend_format(legend) if legend else query)


def now(expression: str, legend: str = "") -> Query:
    """Return a PromQL query for the end of the dashboard's time range, one value a series."""
    query = prometheus.Dataquery().expr(expression).instant()
    return _of(query.legend_format(legend) if legend else query)


def table_of(expression: str) -> Query:
    """Return a PromQL query for the end of the time range, as a table: a column for each label."""
    return _of(prometheus.Dataquery().expr(expression).instant().format(PromQueryFormat.TABLE))


def _of(query: prometheus.Dataquery) -> Query:
    return query.datasource(PROMETHEUS)


class _SqlQuery(Dataquery):
    """A query as the PostgreSQL plugin stores it; the SDK has none for that plugin."""

    def __init__(self, sql: str, layout: str) -> None:
        self.ref_id = ""
        self.datasource = POSTGRESQL
        self._sql = sql
        self._layout = layout

    def to_json(self) -> dict[str, object]:
        return {
            "refId": self.ref_id,
            "datasource": self.datasource,
            "editorMode": "code",
            "format": self._layout,
            "rawQuery": True,
            "rawSql": self._sql,
        }


class _Sql(Builder[Dataquery]):
    def __init__(self, sql: str, layout: str) -> None:
        self._built = _SqlQuery(sql.strip(), layout)

    def build(self) -> Dataquery:
        return self._built


def sql(statement: str) -> Query:
    """Return an SQL query whose rows are shown as they are."""
    return _Sql(statement, "table")


def sql_over_time(statement: str) -> Query:
    """Return an SQL query with a column `time`, by which its rows must come sorted.

    A text column `metric` tells the series apart.
    """
    return _Sql(statement, "time_series")


def lettered(queries: Sequence[Query]) -> list[Dataquery]:
    """Return the queries with the letters A, B, C, ... by which Grafana tells a panel's apart."""
    built = [query.build() for query in queries]
    for number, query in enumerate(built):
        cast(_Named, query).ref_id = chr(ord("A") + number)
    return built


def source(query: Dataquery) -> DataSourceRef:
    """Return where the query is asked."""
    return cast(_Named, query).datasource


def or_zero(expression: str, label: str = "") -> str:
    """Return PromQL that is 0 where nothing was counted; `label` then says `none`.

    A counter with labels has no series before its first event, and an empty panel looks broken.
    """
    zero = f'label_replace(vector(0), "{label}", "none", "", "")' if label else "vector(0)"
    # `on ()`: beside any series at all, the zero is left out.
    return f"({expression}) or on () {zero}"
