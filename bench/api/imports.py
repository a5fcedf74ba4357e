"""The importer beside a bare COPY of the same rows, and its memory at two sizes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import URL

from bench.api.ontology import Ontology
from bench.api.report import Comparison
from bench.api.source import write_folder, write_tarball
from tests.app.support import ROOT, environment, sql
from toolchain import processes
from toolchain.console import UserError

_PUBLISHED = ROOT.parent / "shared/data/labki-ontology-d5fffa1"
_LIKE_PUBLISHED = 200  # entities, where the published ontology is not at hand

_TIME_TARGET = 3.0
_MEMORY_TARGET = 1.25  # a tenth or so is the allocator's; what grows with the count grows tenfold


def measure_time(
    url: URL, folder: Path, rounds: int, say: Callable[[str], None]
) -> list[Comparison]:
    """Import into empty tables both ways, in turns; seconds."""
    source, name = _PUBLISHED, "labki-ontology d5fffa1"
    if not source.is_dir():
        source = write_folder(Ontology(_LIKE_PUBLISHED), folder / "source")
        name = f"{_LIKE_PUBLISHED} invented entities"
    times: dict[str, list[float]] = {"importer": [], "copy": []}
    for number in range(rounds + 1):
        for way, taken in times.items():
            seconds = _run(url, way, source)["seconds"]
            if number:
                taken.append(seconds)
    found = [Comparison(f"import of {name}", times["importer"], times["copy"], _TIME_TARGET)]
    say(f"    {found[0].line()}")
    return found


def measure_memory(
    url: URL, folder: Path, sizes: tuple[int, int], say: Callable[[str], None]
) -> list[Comparison]:
    """Import a folder and a tarball of either size; the most memory the process has had, in MiB."""
    peaks: dict[str, list[float]] = {"folder": [], "tarball": []}
    for size in sizes:
        source = write_folder(Ontology(size), folder / f"source-{size}")
        tarball = write_tarball(source, folder / f"source-{size}.tar.gz")
        for what, path in (("folder", source), ("tarball", tarball)):
            done = _run(url, "importer", path)
            peaks[what].append(done["peak_mib"])
            say(
                f"    {what} of {size:,} entities: {done['peak_mib']:.0f} MiB"
                f" in {done['seconds']:.1f} s"
            )
    return [
        Comparison(f"memory of the import of a {what}", [large], [small], _MEMORY_TARGET)
        for what, (small, large) in peaks.items()
    ]


def _run(url: URL, way: str, source: Path) -> dict[str, float]:
    sql(url, "TRUNCATE entities, modules, profiles, snapshots, snapshot_files RESTART IDENTITY")
    done = subprocess.run(
        [sys.executable, "-m", "bench.api.import_once", way, str(source)],
        cwd=ROOT,
        env=environment(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UserError(
            f"the {way} of {source} has failed:\n{processes.tail(done.stderr)}", "make test"
        )
    result: dict[str, float] = json.loads(done.stdout)
    return result
