"""The command `python -m app.importer [PATH]`.

Exit code 0: imported; files that could not be read are told as errors and were left out. 1: nothing
was changed, and one line on standard error says why. The last line on standard output is the
summary as JSON.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from app.config import get_settings
from app.importer.load import import_source
from app.importer.sources import ImportFailed


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
    path = options.path or settings.ontology_path
    if path is None:
        parser.error("name a PATH, or set ONTOLOGY_PATH")
    try:
        summary = asyncio.run(
            import_source(settings, path, commit_sha=options.commit, name=options.name)
        )
    except ImportFailed as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write("\n".join(summary.lines()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
