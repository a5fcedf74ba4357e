"""Secrets as hard to carry as the config allows, and where they are set."""

import random

from tests.stack.stack_under_test import PROJECT, Stack

EVERY_CHARACTER = "".join(map(chr, range(ord("!"), ord("~") + 1)))

# Each is a way to be misread: a variable, a command, the end of a field or of a string, an escape.
TRAPS = ("${HOME}", "%(a)s", "$(id)", "`id`", "%40", "\\:", "\\\\", "'\"", "&&", "*/")


def hard(seed: str) -> str:
    """Return every character from ! to ~ in the seed's own order, and what is misread easily."""
    shuffled = random.Random(seed)  # noqa: S311  # to be the same in each run
    parts = [*EVERY_CHARACTER, *TRAPS]
    shuffled.shuffle(parts)
    return "".join(parts)


def configure(stack: Stack, **values: str) -> None:
    """Set secrets of the stack's config, as a user does."""
    for key, value in values.items():
        stack.pulumi("config", "set", "--secret", f"{PROJECT}:{key}", "--", value)
