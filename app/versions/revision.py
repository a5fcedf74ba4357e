"""How a version may be written."""

import re

# git itself takes no fewer than four.
_ABBREVIATION = re.compile(r"[0-9a-fA-F]{4,64}")


def is_abbreviation(name: str) -> bool:
    """Tell whether the name may be a commit's id, or the beginning of one."""
    return _ABBREVIATION.fullmatch(name) is not None
