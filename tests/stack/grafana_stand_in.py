"""An image that stands in for Grafana's, which no registry here has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import versions
from infra.images import reference
from tests.stack.stack_under_test import docker

FOLDER = Path(__file__).parent / "grafana"


def build(name: str, pgadmin: str) -> None:
    """Build it under `name`, from an image of pgAdmin, which has Python and wget."""
    docker("build", "--quiet", f"--build-arg=BASE={pgadmin}", "--tag", name, str(FOLDER))


@contextmanager
def grafana_image() -> Iterator[None]:
    """See to it that the engine has an image of Grafana's name: the real one, if it is there."""
    name = versions.GRAFANA
    if docker("images", "--quiet", name):
        yield
        return
    build(name, reference(versions.PGADMIN, "local"))
    try:
        yield
    finally:
        docker("rmi", name)
