"""The images of the stack on a Docker engine: those that somebody publishes, and built ones."""

import hashlib

import pulumi
import pulumi_docker as docker
import pulumi_random as random

from infra.naming import Naming
from infra.workload import BuiltImage, Image


class Images:
    """Declares each image once, however many workloads run it."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._declared: dict[str, docker.RemoteImage] = {}

    def get(self, image: Image) -> docker.RemoteImage:
        """Return what declares the image: pulled or found, or built from this repository."""
        if image.name not in self._declared:
            self._declared[image.name] = (
                self._built(image)
                if isinstance(image, BuiltImage)
                # Shared by stacks and slow to get: `destroy` leaves it on the engine.
                else docker.RemoteImage(
                    _resource_name(image.name), name=image.name, keep_locally=True
                )
            )
        return self._declared[image.name]

    def _built(self, image: BuiltImage) -> docker.RemoteImage:
        spec = [image.context, image.dockerfile, image.target, image.base.name, image.digest]
        # A tag of its own for every build, also when the code goes back to what it was: an update
        # that failed leaves old images to be removed later, and the provider removes by name.
        tag = random.RandomId(
            f"{image.role}-image-tag",
            byte_length=6,
            keepers={"build": hashlib.sha256("\0".join(spec).encode()).hexdigest()},
        )
        return docker.RemoteImage(
            f"{image.role}-image",
            name=pulumi.Output.concat(image.name, ":", tag.hex),
            build=docker.RemoteImageBuildArgs(
                context=image.context,
                dockerfile=image.dockerfile,
                target=image.target,
                build_args={"BASE_IMAGE": image.base.name},
                label=self._naming.labels(),
            ),
            opts=pulumi.ResourceOptions(depends_on=[self.get(image.base)]),
        )


def _resource_name(image: str) -> str:
    """Return `python` for `registry.example/x/python:3.12`: the last word before the tag."""
    return f"{image.rsplit('/', 1)[-1].split(':', 1)[0]}-image"
