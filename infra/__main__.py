"""The program that Pulumi runs: it only finds the package and deploys the stack."""

import sys
from pathlib import Path

# Pulumi puts this folder on the path. As a package, found from its parent, its modules cannot
# shadow those of the standard library.
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(HERE.parent), *(one for one in sys.path if Path(one).resolve() != HERE)]

import pulumi  # noqa: E402

from infra.stack import deploy  # noqa: E402

# The SDK puts each output of the stack into a debug message, secret ones in clear, and the engine
# hands it on to whoever takes its events: `pulumi up --json` prints it.
pulumi.log.debug = lambda *_, **__: None

deploy()
