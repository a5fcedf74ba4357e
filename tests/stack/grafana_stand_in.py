"""An image that stands in for Grafana's, which no registry here has."""

from pathlib import Path

from tests.stack.stack_under_test import docker

FOLDER = Path(__file__).parent / "grafana"


def build(name: str, pgadmin: str) -> None:
    """Build it under `name`, from an image of pgAdmin, which has Python and wget."""
    docker("build", "--quiet", f"--build-arg=BASE={pgadmin}", "--tag", name, str(FOLDER))
