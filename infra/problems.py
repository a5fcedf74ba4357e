"""What is wrong with the config, as the user is told it."""

import re
import shlex

from pydantic import BaseModel

PROJECT = "ontology-hub"

# Stands for the stack's own name where problems are told by config key.
STACK = "(stack name)"

# The empty value, as a shell takes it.
NOTHING = "''"

# Characters of a value, and of a reason, that are shown: a value may be a megabyte, which would
# push all else off the terminal.
_SHOWN = 60
_REASON = 300

# Longer lists are cut: a config file full of nonsense must not hide its first lines.
_LISTED = 40

# `user:password@` of a URL, whose place no setting is.
_CREDENTIALS = re.compile(r"(?<=:)[^:@/]+(?=@)")


class Problem(BaseModel):
    """One thing that is wrong with the config, and the command that mends it.

    `value` is the value as it is shown: `shown` makes it of what the user has set.
    """

    key: str
    value: str | None = None
    reason: str
    mend: str

    def __str__(self) -> str:
        name = self.key if self.key == STACK else f"{PROJECT}:{plain(self.key)}"
        value = "" if self.value is None else f" = {self.value}"
        return f"  {name}{value}\n      {_cut(self.reason, _REASON)}\n      mend: {self.mend}"


class SettingsError(Exception):
    """The config cannot be used; `problems` says all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        lines = [f"{count} wrong; nothing was changed.", *map(str, problems[:_LISTED])]
        if len(problems) > _LISTED:
            lines.append(f"  and {len(problems) - _LISTED} more")
        super().__init__("\n".join(lines))


def shown(value: str) -> str:
    """Return a value in quotes: in part if it is long, no character of it a terminal's command.

    Neither a key that was given in the place of its path, nor a password within an address.
    """
    if "-----BEGIN" in value:
        return "(the text of a PEM file)"
    return _cut(repr(_CREDENTIALS.sub("***", value[: 2 * _SHOWN])), _SHOWN, len(value))


def plain(text: str) -> str:
    """Return the text without what a terminal would obey, and in part if it is long."""
    safe = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text[: 2 * _SHOWN])
    return _cut(safe, _SHOWN, len(text))


def is_secret(key: str) -> bool:
    """Tell whether the config key `key` (camelCase) holds a secret."""
    return key.endswith(("Password", "Secret"))


def set_command(key: str, value: object) -> str:
    """Return the command that sets `key`; a secret's value is asked for, never put on the line."""
    if is_secret(key):
        return f"pulumi config set --secret {PROJECT}:{key}"
    return f"pulumi config set {PROJECT}:{key} {value}"


def remove_command(key: str) -> str:
    """Return the way to be rid of a key that the stack does not know."""
    if plain(key) != key:
        return "take it out of Pulumi.STACK.yaml, in an editor"
    return f"pulumi config rm {shlex.quote(f'{PROJECT}:{key}')}"


def _cut(text: str, most: int, length: int | None = None) -> str:
    length = len(text) if length is None else length
    return text if max(len(text), length) <= most else f"{text[:most]}... ({length} characters)"
