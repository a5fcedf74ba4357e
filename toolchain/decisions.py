"""What the first `make up` decides once for a stack, from what answers, and writes down.

The Pulumi program never looks: a registry that is out for an hour must not drop a service.
"""

import subprocess
from typing import Any

from infra import versions
from infra.images import public_image
from infra.settings import StackSettings
from toolchain import console, pulumi

ANSWER_SECONDS = 20


def decide(stack: str) -> dict[str, Any]:
    """Fill in `imageSource` and `grafana` where the stack's config has none; return the config."""
    config = pulumi.config(stack)
    if "imageSource" not in config:
        answers = _answers(_name(versions.POSTGRES, config))
        source = "registry" if answers else "local"
        _write(
            stack,
            "imageSource",
            source,
            "the image registry answers"
            if answers
            else "no image registry answers: images are built here, from Debian and PyPI packages",
        )
    if "grafana" not in config:
        image = _name(versions.GRAFANA, config)
        there = _present(image) or _answers(image)
        _write(
            stack,
            "grafana",
            str(there).lower(),
            f"{image} can be had"
            if there
            else f"{image} cannot be had here and cannot be built: the stack goes without Grafana",
        )
    return pulumi.config(stack)


def _write(stack: str, key: str, value: str, reason: str) -> None:
    pulumi.set_config(stack, key, value)
    console.say(
        f"decided {key} = {value}: {reason}\n"
        f"    to decide otherwise: pulumi config set {pulumi.PROJECT}:{key} ..."
    )


def _name(pin: str, config: dict[str, Any]) -> str:
    mirror = str(config.get("registryMirror", ""))
    return public_image(pin, StackSettings.model_validate({"registryMirror": mirror})).name


def _present(image: str) -> bool:
    return _succeeds("docker", "image", "inspect", image)


def _answers(image: str) -> bool:
    insecure = ["--insecure"] if image.startswith(("127.", "localhost")) else []
    return _succeeds("docker", "manifest", "inspect", *insecure, image)


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=ANSWER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
