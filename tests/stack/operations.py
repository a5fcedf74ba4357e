"""Runs what docs/operations.md says to do."""

import re

from tests.stack.stack_under_test import ROOT, Stack

GUIDE = ROOT / "docs" / "operations.md"


def entries() -> dict[str, str]:
    """Return the commands of each entry by its heading."""
    _, *parts = re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)
    return {
        part.split("\n", 1)[0]: "".join(re.findall(r"^```sh\n(.*?)^```", part, re.S | re.M))
        for part in parts
    }


def follow(stack: Stack, heading: str) -> str:
    """Do what the entry says in the stack's clone, as its user would; return what is printed."""
    # `pulumi` works on the selected stack: a test's clone has one alone.
    return stack.run(["bash", "-euo", "pipefail", "-c", entries()[heading]])
