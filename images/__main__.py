"""`python -m images build`: build the missing twins of the public images on this machine."""

import argparse
import sys

from images import build
from toolchain import console
from toolchain.console import UserError


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m images", description=__doc__)
    parser.add_argument(
        "command", choices=["build"], help="build: build the twins that are missing"
    )
    parser.parse_args()
    try:
        build.run()
    except UserError as error:
        console.fail(error)
        return 1
    except KeyboardInterrupt:
        print("images: stopped; nothing half-built is left", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
