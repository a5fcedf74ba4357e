"""`python3 -m toolchain setup`, run by `make setup`.

This file alone must be understood by older Pythons, so that it can say that they are too old.
"""

import sys
from typing import List  # noqa: UP035 (as above)


def main(arguments: List[str]) -> int:  # noqa: UP006 (as above)
    """Run the command; return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 (this is where it is found out)
        version = ".".join(map(str, sys.version_info[:3]))
        sys.stderr.write(
            f"error: {sys.executable} is Python {version}; this project needs 3.11 or newer\n"
            "to mend it: apt-get install python3 python3-venv (Debian 12 and newer), "
            "or make PYTHON=/path/to/a/newer/python3\n"
        )
        return 1
    if arguments != ["setup"]:
        sys.stderr.write("usage: python3 -m toolchain setup\n")
        return 2

    from toolchain import console
    from toolchain.console import UserError, UserErrors
    from toolchain.setup import setup

    try:
        setup()
    except (UserError, UserErrors) as error:
        console.fail(error)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
