"""`python -m bench.api`: measure the API beside a bare handler, at two sizes, and the importer."""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy.engine import URL

from bench import signals
from bench.api import database, imports, latency, throughput
from bench.api.ontology import Ontology
from bench.api.report import table
from tests.app.support import sql
from toolchain import console
from toolchain.console import UserError

PARTS = ("throughput", "latency", "import")
ROUNDS, SAMPLES, SMALL, LARGE = 5, 300, 10_000, 1_000_000
LEAST = 2_000  # fewer have too few subobjects for two pages of 50


def main() -> int:
    """Run the command line; returns 0 unless something is broken, however slow."""
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="measure this part; may be given again"
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"of throughput and import ({ROUNDS})"
    )
    parser.add_argument(
        "--samples", type=int, default=SAMPLES, help=f"different requests a case ({SAMPLES})"
    )
    for name, size in (("--small", SMALL), ("--large", LARGE)):
        parser.add_argument(name, type=int, default=size, help=f"entities ({size})")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.samples < 1:
        parser.error("--rounds and --samples must be 1 or more")
    if not LEAST <= arguments.small < arguments.large:
        parser.error(f"--small must be {LEAST:,} or more, and --large larger than --small")
    parts = arguments.only or PARTS
    signals.stop_in_order()
    try:
        throughput.check_load_generator()
        console.say(_measure(parts, arguments))
    except UserError as error:
        console.fail(error)
        return 1
    except KeyboardInterrupt:
        console.say("stopped; nothing is left on the engine")
        return 130
    return 0


def _measure(parts: Sequence[str], given: argparse.Namespace) -> str:
    load = os.getloadavg()[0]
    report = []
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ontology-hub-bench-"))
        stack.callback(shutil.rmtree, folder)
        server = stack.enter_context(database.server())
        if "throughput" in parts or "latency" in parts:
            small = _filled(server, given.small)
        if "throughput" in parts:
            console.step(f"API and bare handler in turns, {given.rounds} rounds")
            rates, work = throughput.measure(small[0], folder, given.rounds, console.say)
            report.append(table("API, requests/s", "bare, requests/s", rates))
            report.append(table("API, µs of the worker", "bare, µs of the worker", work))
        if "latency" in parts:
            large = _filled(server, given.large)
            console.step("answers of either size, in turns, by one client")
            found = latency.measure(small, large, folder, given.samples, console.say)
            report.append(table(f"{given.large:,}, ms", f"{given.small:,}, ms", found))
        if "import" in parts:
            console.step("importer and bare COPY in turns; then the importer's memory")
            url = database.create(server, "imported")
            found = imports.measure_time(url, folder, given.rounds, console.say)
            report.append(table("importer, s", "bare COPY, s", found))
            sizes = (given.large // 100, given.large // 10)
            found = imports.measure_memory(url, folder, sizes, console.say)
            report.append(table(f"{sizes[1]:,}, MiB", f"{sizes[0]:,}, MiB", found))
        version = sql(server, "SHOW server_version")[0]["server_version"]
    return (
        f"\n{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores (the API has one, PostgreSQL and"
        f" the client the other), load average {load:.1f} at the start; Python"
        f" {platform.python_version()}, PostgreSQL {version}; medians (first to last decile):\n\n"
        + "\n\n".join(report)
    )


def _filled(server: URL, size: int) -> tuple[URL, Ontology]:
    ontology = Ontology(size)
    with console.progress(f"inventing and storing {size:,} entities"):
        url = database.create(server, f"entities_{size}")
        database.fill(url, ontology)
    return url, ontology


if __name__ == "__main__":
    sys.exit(main())
