"""A Docker registry on 127.0.0.1 that serves the images under their public names.

With it the real pull path is tested on a machine that reaches no registry:

    with serve() as registry:
        # imageSource=registry, registryMirror=registry.mirror
"""

import contextlib
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.images import TWINS, ImageSource, reference
from tests.images.containers import docker

START_SECONDS = 30


@dataclass(frozen=True)
class Registry:
    """A running registry; `mirror` (host:port) is what `registryMirror` is set to."""

    mirror: str

    def name(self, pin: str) -> str:
        """Return the name under which the image of `pin` is pulled from here."""
        # Docker Hub's one-word names are short for library/<name>; a mirror has the long ones.
        return f"{self.mirror}/{pin if '/' in pin else f'library/{pin}'}"


@contextlib.contextmanager
def serve(
    pins: Sequence[str] = tuple(TWINS), source: ImageSource = "local", log: Path | None = None
) -> Iterator[Registry]:
    """Run a registry on a free port with the images of `pins` in it; gone without trace after.

    127.0.0.0/8 is trusted without TLS by every Docker engine. What was pulled from here is
    removed from the engine too, as far as no container uses it.
    """
    program = shutil.which("docker-registry")
    if program is None:
        raise RuntimeError("docker-registry is missing: apt-get install docker-registry")
    with TemporaryDirectory(prefix="ontology-hub-registry-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        registry = Registry(f"127.0.0.1:{probe.getsockname()[1]}")
        probe.close()
        config = Path(folder) / "config.yml"
        config.write_text(
            "version: 0.1\n"
            "log: {level: warn, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/storage}}}}\n"
            f"http: {{addr: '{registry.mirror}'}}\n"
        )
        output = (log or Path(folder) / "registry.log").open("wb")
        process = subprocess.Popen([program, "serve", str(config)], stdout=output, stderr=output)
        try:
            _wait(process, registry)
            for pin in pins:
                _push(reference(pin, source), registry.name(pin))
            yield registry
        finally:
            process.terminate()
            process.wait()
            output.close()
            _remove(registry)


def _wait(process: subprocess.Popen[bytes], registry: Registry) -> None:
    ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://{registry.mirror}/v2/", timeout=5),
        ):
            return
        time.sleep(0.1)
    raise RuntimeError(f"docker-registry did not start on {registry.mirror}")


def _push(image: str, name: str) -> None:
    docker("tag", image, name)
    docker("push", "--quiet", name)
    # Only the registry has the name now: whoever uses it has to pull.
    docker("rmi", name)


def _remove(registry: Registry) -> None:
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    for name in listed.split():
        if name.startswith(f"{registry.mirror}/"):
            docker("rmi", name, check=False)
