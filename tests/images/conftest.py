"""The images under test: the local twins, or with IMAGE_SOURCE=registry the public ones."""

import os
from collections.abc import Iterator
from typing import cast

import pytest

from infra import versions
from infra.images import ImageSource, reference
from tests.images.containers import Engine, docker


@pytest.fixture(scope="session")
def source() -> ImageSource:
    return cast(ImageSource, os.environ.get("IMAGE_SOURCE", "local"))


def present(pin: str, source: ImageSource) -> str:
    """Return the reference of an image that is on the engine; missing twins fail the test."""
    image = reference(pin, source)
    if source == "registry":
        docker("pull", "--quiet", image)
    elif not docker("image", "ls", "--quiet", image).strip():
        pytest.fail(f"{image} is not built: run .venv/bin/python -m images build", pytrace=False)
    return image


@pytest.fixture(scope="session")
def postgres_image(source: ImageSource) -> str:
    return present(versions.POSTGRES, source)


@pytest.fixture(scope="session")
def python_image(source: ImageSource) -> str:
    return present(versions.PYTHON, source)


@pytest.fixture(scope="session")
def pgadmin_image(source: ImageSource) -> str:
    return present(versions.PGADMIN, source)


@pytest.fixture(scope="session")
def haproxy_image(source: ImageSource) -> str:
    return present(versions.HAPROXY, source)


@pytest.fixture(scope="session")
def prometheus_image(source: ImageSource) -> str:
    return present(versions.PROMETHEUS, source)


@pytest.fixture(scope="session")
def postgres_exporter_image(source: ImageSource) -> str:
    return present(versions.POSTGRES_EXPORTER, source)


@pytest.fixture(scope="session")
def node_exporter_image(source: ImageSource) -> str:
    return present(versions.NODE_EXPORTER, source)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.clean()


@pytest.fixture(scope="module")
def shared_engine() -> Iterator[Engine]:
    """An engine for containers that several tests of a module look at."""
    made = Engine()
    yield made
    made.clean()
