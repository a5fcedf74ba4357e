"""Which image a service runs: the public one, or its twin built on this machine.

`imageSource` (config) decides once for the whole stack; nothing here looks at the engine.
"""

import hashlib
from pathlib import Path
from typing import Literal

from infra import versions
from infra.settings import StackSettings
from infra.workload import PublicImage

ImageSource = Literal["registry", "local"]

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "images"
# What the built images install their Python packages with; part of their content.
PIP_INSTALL = "images/pip-install.sh"

# Twins are named apart from the public images so that neither can be mistaken for the other.
TWIN_PREFIX = "ontology-hub-images"

# Public image to the folder of images/ that its twin is built from.
TWINS = {
    versions.POSTGRES: "postgres",
    versions.PYTHON: "python",
    versions.PGADMIN: "pgadmin",
    versions.HAPROXY: "haproxy",
    versions.PROMETHEUS: "prometheus",
    versions.POSTGRES_EXPORTER: "postgres-exporter",
    versions.NODE_EXPORTER: "node-exporter",
}


def public_image(pin: str, settings: StackSettings) -> PublicImage:
    """Return the image for `pin` (of `infra.versions`) as the settings say where to get it."""
    if settings.image_source == "registry" and settings.registry_mirror:
        # On Docker Hub itself a one-word name is short for library/<name>; elsewhere it is not.
        full = pin if "/" in pin else f"library/{pin}"
        return PublicImage(name=f"{settings.registry_mirror}/{full}")
    return PublicImage(name=reference(pin, settings.image_source))


def reference(public: str, source: ImageSource) -> str:
    """Return the image reference that `public` (a pin of `infra.versions`) stands for.

    Grafana has no twin: with `local` its public name is returned, and whoever sets `grafana`
    to true there has put an image of that name on the engine.
    """
    if source == "registry" or public not in TWINS:
        return public
    return twin_tag(TWINS[public])


def twin_tag(recipe: str) -> str:
    """Return the content-addressed tag of the twin built from `images/<recipe>`.

    The tag covers every file of the recipe, of the base it stands on, and the recipe's pin: an
    edited recipe is a new image, an unedited one is never built twice, and another image's new
    pin does not restart this one.
    """
    digest = hashlib.sha256()
    digest.update("".join(pin for pin, name in TWINS.items() if name == recipe).encode())
    for folder in ("base", recipe):
        for file in sorted((RECIPES / folder).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(RECIPES)).encode())
                digest.update(file.read_bytes())
    return f"{TWIN_PREFIX}/{recipe}:{digest.hexdigest()[:12]}"
