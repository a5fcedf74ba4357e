"""The stack: settings in, services wired in the order of their health, outputs out."""

import sys
from pathlib import Path

# Pulumi runs this folder as the program; the package is found from its parent.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infra.stack import deploy

deploy()
