"""An import holds one file at a time, however many there are."""

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.app.ontologies import category
from tests.app.support import environment

FEW, MANY = 500, 8_000
# Held in memory, the rows of MANY files would take 20 times as much, their headers twice.
ALLOWED_KIB = 2 * 1024

# The high-water mark of a process of its own. ru_maxrss would count what the process that started
# it had in memory.
PROGRAM = """
import runpy
try:
    runpy.run_module("app.importer", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
"""


def content(number: int) -> bytes:
    """Return the file of one of many properties."""
    return json.dumps(category(f"Has_{number}", datatype="Text", filler="x" * 1500)).encode()


def make_folder(path: Path, count: int) -> None:
    (path / "properties").mkdir(parents=True)
    for number in range(count):
        (path / "properties" / f"Has_{number}.json").write_bytes(content(number))


def make_tarball(path: Path, count: int) -> None:
    with tarfile.open(path, "w") as tar:
        for number in range(count):
            data = content(number)
            header = tarfile.TarInfo(f"many/properties/Has_{number}.json")
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))


def peak(url: URL, path: Path, count: int) -> int:
    """Import, and return the process' greatest resident memory in KiB."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        env=environment(url),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    *_, summary, kib = result.stdout.splitlines()
    assert json.loads(summary)["summary"]["entities_synced"] == count
    return int(kib)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' /proc")
@pytest.mark.parametrize("make", [make_folder, make_tarball])
def test_memory_does_not_grow_with_the_number_of_files(
    database: URL, tmp_path: Path, make: Callable[[Path, int], None]
) -> None:
    peaks = []
    for count in (FEW, MANY):
        make(tmp_path / str(count), count)
        peaks.append(peak(database, tmp_path / str(count), count))
    assert peaks[1] - peaks[0] < ALLOWED_KIB, peaks
