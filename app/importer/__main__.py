"""The command `python -m app.importer [PATH]`.

Logs on standard output. Exit code 0: imported; files that could not be read are told as errors and
were left out; the last line has the `summary`. 1: nothing was changed; the last line says why.
"""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from app import runs
from app.config import Settings, get_settings
from app.importer.load import import_source
from app.importer.sources import ImportFailed
from app.importer.summary import Summary
from app.logs import RESULT, configure_logging
from app.models import Job

logger = logging.getLogger("app.importer")


def main() -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m app.importer",
        description="Bring the database to what an ontology's files say.",
    )
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        metavar="PATH",
        help="a folder, git checkout or tarball (.tar, .tar.gz, .tar.bz2, .tar.xz);"
        " ONTOLOGY_PATH if left out",
    )
    parser.add_argument("--commit", metavar="SHA", help="the source's commit, if it gives none")
    parser.add_argument("--name", help="the version's name, such as a tag")
    options = parser.parse_args()
    settings = get_settings()
    configure_logging(settings.log_level)
    path = options.path or settings.ontology_path
    if path is None:
        parser.error("name a PATH, or set ONTOLOGY_PATH")
    try:
        summary = asyncio.run(_run(settings, path, options.commit, options.name))
    except ImportFailed as error:
        logger.error(str(error))
        return 1
    for level, message, fields in summary.events():
        logger.log(level, message, extra=fields)
    logging.getLogger(RESULT).info(
        "imported: %s", summary.result(), extra={"summary": summary.document()}
    )
    return 0


async def _run(settings: Settings, path: Path, commit: str | None, name: str | None) -> Summary:
    async with runs.kept(settings, Job.IMPORTER) as counts:
        summary = await import_source(settings, path, commit_sha=commit, name=name)
        counts |= summary.counted()
        return summary


if __name__ == "__main__":
    sys.exit(main())
