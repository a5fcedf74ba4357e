"""What MediaWiki makes of a value inside a template call."""

import re

# Runs of brackets, as MediaWiki counts them; a single one is text.
_SIGN = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+|\|")
# A parameter has three braces. A longer run is several calls in each other.
_LONGEST = {"{": 3, "[": 2}
_OPENING = {"}": "{", "]": "["}


def stays_whole(value: str) -> bool:
    """Whether a value in a template call is one value there, and leaves the call's end alone.

    A `|` begins the next parameter unless it stands in a link or another call. What opens one and
    does not close it takes the outer call's end; what only closes a call is that end.
    """
    open_runs: list[tuple[str, int]] = []
    for token in _SIGN.finditer(value):
        sign, count = token[0][0], len(token[0])
        if sign == "|":
            if not open_runs:
                return False
        elif sign in _LONGEST:
            open_runs.append((sign, count))
        else:
            count = _closed(open_runs, _OPENING[sign], count)
            if sign == "}" and count > 1:
                return False
    return not open_runs


def _closed(open_runs: list[tuple[str, int]], opening: str, count: int) -> int:
    """Close what a run of `count` closes; return how many signs of the run are left."""
    while count > 1 and open_runs and open_runs[-1][0] == opening:
        _, available = open_runs.pop()
        taken = min(count, available, _LONGEST[opening])
        count -= taken
        if available - taken > 1:
            open_runs.append((opening, available - taken))
    return count
