"""The start page: the way to everything else, and the numbers that tell how the hub is."""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from infra import addresses
from infra.grafana.dashboards import ontology, traffic
from infra.grafana.panels import (
    NUMBER,
    Size,
    alerts,
    dashboards,
    document,
    green_from,
    note,
    number,
    red_from,
    state,
)
from infra.grafana.queries import now, or_zero, sql
from infra.settings import StackSettings

UID = "hub-start"
TITLE = "Hub: start"

LINKS = """
[**The hub**]({api_url}/): what it holds, and a search

[**API**]({docs_url}): every route, to try out

[**pgAdmin**]({pgadmin_url}): the database, table by table

On the hub's machine, `make status` tells how each service is, `make logs` what it says,
`make open` the way in. *docs/operations.md* says what to do when something fails.
"""

LIST = Size(width=8, height=10)


def build(settings: StackSettings) -> str:
    """Return the dashboard."""
    return document(
        UID, TITLE, "Where to go, and how the hub is.", [_ways(settings), *_numbers(settings)]
    )


def _ways(settings: StackSettings) -> Sequence[Panel]:
    links = note("Ontology Hub", LINKS.format(**addresses.urls(settings)).strip(), LIST)
    if not settings.observed:
        return (links, dashboards("Dashboards", Size(width=16, height=10)))
    return (
        links,
        alerts("Alerts", LIST, "What a person must act on; each alert says what to do."),
        dashboards("Dashboards", LIST),
    )


def _numbers(settings: StackSettings) -> Iterator[Sequence[Panel]]:
    if settings.observed:
        yield (
            number(
                "Backends",
                units.Short,
                now(or_zero('sum(up{job="backend"})')),
                "How many serve: one, and two while one takes the other's place.",
                colours=green_from(1),
            ),
            state(
                "Database",
                now(or_zero("min(hub_database_up)")),
                "Whether the backend reaches it.",
            ),
            *traffic.overview(NUMBER),
            number(
                "Failed jobs",
                units.Short,
                now(or_zero("sum(hub_job_last_run_failed)")),
                "Of migrations and importer, those whose last run failed.",
                colours=red_from(1),
            ),
        )
    yield tuple(
        number(title, units.Short, sql(f"SELECT count(*) AS number FROM {condition}"))  # noqa: S608
        for title, condition in ontology.NUMBERS.items()
    )
