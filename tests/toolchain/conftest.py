"""Clones of the toolchain, this machine's cache, and a download site on the loopback interface."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.toolchain.clone import Clone, make_clone

# A shell ignores Ctrl-C for what it starts in the background, and so would all that is started
# here: the tests that press it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return a clone with an empty home and cache."""
    return make_clone(tmp_path)


@pytest.fixture(scope="session")
def real_cache() -> Path:
    """Return the cache that `make setup` has filled on this machine."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ontology-hub"
    return Path(os.environ.get("ONTOLOGY_HUB_CACHE") or default)


@pytest.fixture
def http_folder(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder on the loopback interface; yields the folder and its URL."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    url = server.stdout.readline().split("(")[1].split(")")[0].rstrip("/")
    yield folder, url
    server.terminate()
    server.wait()
    server.stdout.close()
