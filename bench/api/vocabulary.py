"""Words for invented ontologies: the more text there is, the more different words it holds.

Frequencies follow Zipf's law and the number of words Heaps' law, as in natural language. That is
what decides how long the posting lists of a text index are, and how they grow.
"""

import random
from collections.abc import Iterator
from itertools import accumulate

_ONSETS = (
    *("t", "s", "c", "p", "r", "m", "d", "b", "l", "n", "f", "g", "h", "v", "w", "st", "tr"),
    *("pr", "ch", "sh", "th", "pl", "cr", "gr", "br", "cl", "sp", "fl", "qu", "j", "k", "sc"),
)
_VOWELS = ("e", "a", "i", "o", "u", "ea", "io", "ai", "ou", "ee", "y", "oo")
_CODAS = ("", "", "", "n", "r", "s", "l", "t", "m", "nt", "ct", "d", "st", "p", "ng", "ck", "x")

# Heaps' law: words = 20 * tokens ** 0.55. For English text 10 to 100 and 0.4 to 0.6 are usual.
_HEAPS = (20.0, 0.55)
_ZIPF_OFFSET = 2.7  # Mandelbrot's: the few most frequent words are less extreme


class Vocabulary:
    """The words of a text of `tokens` words; a longer text has all those of a shorter one."""

    def __init__(self, tokens: int) -> None:
        factor, exponent = _HEAPS
        self.words = list(_words(round(factor * tokens**exponent)))
        self._weights = list(
            accumulate(1 / (rank + _ZIPF_OFFSET) for rank in range(len(self.words)))
        )

    def draw(self, source: random.Random, count: int) -> list[str]:
        """Return `count` words of running text, by their frequency."""
        return source.choices(self.words, cum_weights=self._weights, k=count)


def _words(count: int) -> Iterator[str]:
    """Yield different words, the frequent ones first; those are the shorter ones, as in English."""
    source = random.Random(17)  # noqa: S311  # the same words every time
    onsets, vowels, codas = (_weighted(parts) for parts in (_ONSETS, _VOWELS, _CODAS))
    seen: set[str] = set()
    while len(seen) < count:
        rank = len(seen)
        syllables = source.choice((1, 1, 2) if rank < 200 else (1, 2, 2, 3))
        word = "".join(
            source.choices(parts, cum_weights=weights)[0]
            for _ in range(syllables)
            for parts, weights in (onsets, vowels, codas)
        )
        if len(word) > 1 and word not in seen:
            seen.add(word)
            yield word


def _weighted(parts: tuple[str, ...]) -> tuple[tuple[str, ...], list[float]]:
    # Letters are as unequal as words are; with equal ones every trigram would be a rare one.
    return parts, list(accumulate(1 / (rank + 2) for rank in range(len(parts))))
