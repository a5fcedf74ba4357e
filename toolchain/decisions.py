"""What the first `make up` decides once for a stack, from what answers, and writes down.

The Pulumi program never looks: a registry that is out for an hour must not drop a service.
"""

import subprocess
from typing import Any

from infra import versions
from infra.images import public_image
from infra.problems import PROJECT
from infra.settings import StackSettings
from toolchain import console, pulumi
from toolchain.console import UserError

PULL_SECONDS = 1800.0


def decide(stack: str, settings: StackSettings) -> dict[str, Any]:
    """Fill in `imageSource` and `grafana` where the stack's config has none; return the config.

    The engine is asked, by a pull of what is needed anyway: it has mirrors, proxies and
    certificates of its own, which nobody else can answer for.
    """
    registry = settings.model_copy(update={"image_source": "registry"})
    postgres, grafana = (
        public_image(pin, registry).name for pin in (versions.POSTGRES, versions.GRAFANA)
    )
    config = pulumi.config(stack)
    if "imageSource" not in config:
        if _can_be_had(postgres):
            _write(stack, "imageSource", "registry", "the image registry answers")
        else:
            reason = (
                "no image registry answers: images are built here, from Debian and PyPI packages"
            )
            _write(stack, "imageSource", "local", reason)
        config = pulumi.config(stack)
    if "grafana" not in config:
        # Where no registry answers, there is no sense in asking it once more.
        there = _present(grafana) or (config["imageSource"] == "registry" and _can_be_had(grafana))
        reason = (
            f"{grafana} can be had"
            if there
            else f"{grafana} cannot be had here and cannot be built: the stack goes without Grafana"
        )
        _write(stack, "grafana", str(there).lower(), reason)
    return pulumi.config(stack)


def _write(stack: str, key: str, value: str, reason: str) -> None:
    pulumi.set_config(stack, key, value)
    console.say(
        f"decided {key} = {value}: {reason}\n"
        f"    to decide otherwise: pulumi config set {PROJECT}:{key} ..."
    )


def _present(image: str) -> bool:
    inspect = ["docker", "image", "inspect", image]
    return subprocess.run(inspect, capture_output=True, check=False).returncode == 0


def _can_be_had(image: str) -> bool:
    """Tell whether the engine has the image or can pull it; raises `UserError` if nobody knows."""
    if _present(image):
        return True
    with console.progress(f"asking for {image}, and pulling it (some minutes at most)"):
        try:
            done = subprocess.run(
                ["docker", "pull", "--quiet", image],
                capture_output=True,
                text=True,
                timeout=PULL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"pulling {image} takes too long", "make up, later") from None
    said = done.stderr.strip()
    if done.returncode != 0 and any(word in said for word in ("toomanyrequests", "429")):
        raise UserError(
            f"the registry answers, but gives no more images for now: {said}",
            "docker login, or make up later",
        )
    return done.returncode == 0
