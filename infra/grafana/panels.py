"""Panels: each kind of them the same on all dashboards, placed row by row.

Their ids count up on each dashboard; links and screenshots name a panel by it.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    dashboardlist,
    stat,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DynamicConfigValue,
    GridPos,
    Panel,
    Threshold,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.text import TextMode

from infra.grafana.queries import Query, lettered, source

TAG = "ontology-hub"
FULL_WIDTH = 24  # of Grafana's grid
BARS = 30  # at most in one panel


class _AnyPanel(Protocol):
    """What all of the SDK's panel builders have in common here."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def grid_pos(self, grid_pos: GridPos) -> Self: ...
    def build(self) -> Panel: ...


@dataclass(frozen=True, kw_only=True)
class Size:
    """How wide and high a panel is, in the units of Grafana's grid."""

    width: int
    height: int


NUMBER = Size(width=4, height=4)
HALF = Size(width=12, height=8)
THIRD = Size(width=8, height=8)
WHOLE = Size(width=FULL_WIDTH, height=9)


# From which value on what is shown has which colour. Left to itself, Grafana shows 80 and more in
# red, whatever it is.
Colours = Sequence[Threshold]
CALM: Colours = [Threshold(None, "green")]


def red_from(limit: float) -> Colours:
    """Return the colours of what is bad from this value on."""
    return [Threshold(None, "green"), Threshold(limit, "red")]


def green_from(limit: float) -> Colours:
    """Return the colours of what is bad below this value."""
    return [Threshold(None, "red"), Threshold(limit, "green")]


def number(
    title: str,
    unit: str,
    query: Query,
    description: str = "",
    size: Size = NUMBER,
    colours: Colours = CALM,
) -> Panel:
    """Return a panel that shows the last value of each series as a number."""
    return _panel(_stat(colours), title, unit, [query], description, size)


def state(title: str, query: Query, description: str) -> Panel:
    """Return a panel that shows 1 as up and 0 as down."""
    words = ValueMap({"0": ValueMappingResult("down"), "1": ValueMappingResult("up")})
    builder = _stat(green_from(1)).mappings([words])
    return _panel(builder, title, "none", [query], description, NUMBER)


def _stat(colours: Colours) -> stat.Panel:
    last = common.ReduceDataOptions().calcs(["lastNotNull"])
    return stat.Panel().reduce_options(last).thresholds(_thresholds(colours))


def _thresholds(colours: Colours) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig().steps([*colours])


def graph(
    title: str,
    unit: str,
    *queries: Query,
    description: str = "",
    size: Size = HALF,
    steps: bool = False,
) -> Panel:
    """Return a panel of lines over time; with `steps` a value holds until the series' next one."""
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    builder = timeseries.Panel().legend(legend).min(0)
    if steps:
        builder.line_interpolation(LineInterpolation.STEP_AFTER).span_nulls(True)
    return _panel(builder, title, unit, queries, description, size)


def bars(title: str, unit: str, query: Query, description: str = "", size: Size = HALF) -> Panel:
    """Return a panel with a bar for each row: a name, then its value."""
    each_row = common.ReduceDataOptions().values(True).limit(BARS).calcs(["lastNotNull"])
    builder = (
        bargauge.Panel()
        .reduce_options(each_row)
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .thresholds(_thresholds(CALM))
        .min(0)
    )
    return _panel(builder, title, unit, [query], description, size)


def rows(
    title: str,
    query: Query,
    description: str = "",
    units: Mapping[str, str] | None = None,
    size: Size = HALF,
) -> Panel:
    """Return a table; `units` maps a column to its unit."""
    builder = table.Panel()
    for column, unit in (units or {}).items():
        builder.override_by_name(column, [DynamicConfigValue("unit", unit)])
    return _panel(builder, title, "none", [query], description, size)


def note(title: str, markdown: str, size: Size) -> Panel:
    """Return a panel of text."""
    return _panel(text.Panel().mode(TextMode.MARKDOWN).content(markdown), title, "", [], "", size)


def dashboards(title: str, size: Size) -> Panel:
    """Return a panel that lists the hub's dashboards."""
    builder = dashboardlist.Panel().tags([TAG]).show_search(True).show_starred(False)
    return _panel(builder.show_headings(False), title, "", [], "", size)


def alerts(title: str, size: Size, description: str) -> Panel:
    """Return a panel that lists the alerts; the SDK has no builder for that plugin."""
    options = {
        "viewMode": "list",
        "groupMode": "default",
        "sortOrder": 3,  # the most important first
        "maxItems": 20,
        "stateFilter": {
            "firing": True,
            "pending": True,
            "noData": True,
            "error": True,
            "normal": False,
            "recovering": True,
        },
        "alertName": "",
        "alertInstanceLabelFilter": "",
        "dashboardAlerts": False,
        "groupBy": [],
    }
    builder = dashboard.Panel().type("alertlist").options(options)
    return _panel(builder, title, "", [], description, size)


def _panel(
    builder: _AnyPanel,
    title: str,
    unit: str,
    queries: Sequence[Query],
    description: str,
    size: Size,
) -> Panel:
    builder.title(title).grid_pos(GridPos(w=size.width, h=size.height))
    if description:
        builder.description(description)
    if unit:
        builder.unit(unit)
    panel = builder.build()
    if queries:
        panel.targets = lettered(queries)
        panel.datasource = source(panel.targets[0])
    return panel


def document(uid: str, title: str, description: str, rows: Iterable[Sequence[Panel]]) -> str:
    """Return a dashboard's JSON; the panels of one row stand side by side."""
    link = (
        dashboard.DashboardLink("The hub's dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
    )
    built = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .time("now-6h", "now")
        .refresh("1m")
        .link(link)
        .build()
    )
    built.panels = list(_placed(rows))
    return json.dumps(built, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _placed(rows: Iterable[Sequence[Panel]]) -> Iterator[Panel]:
    y = 0
    ids = itertools.count(1)
    for row in rows:
        x = 0
        for panel in row:
            assert panel.grid_pos  # noqa: S101  # `_panel` gives one to each
            panel.id_val = next(ids)
            panel.grid_pos.x, panel.grid_pos.y = x, y
            x += panel.grid_pos.w
            yield panel
        y += max(panel.grid_pos.h for panel in row if panel.grid_pos)
