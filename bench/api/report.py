"""Two lists of measurements side by side, and how they are told."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Comparison:
    """What was measured of one case on either side, and the target for the ratio of medians.

    No target: the case is only reported. `at_least`: the ratio should not be below it, else not
    above it.
    """

    case: str
    one: list[float]
    other: list[float]
    target: float | None
    at_least: bool = False

    @property
    def ratio(self) -> float:
        """The median of one side by the other's."""
        return median(self.one) / median(self.other)

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return the cells of the table's line."""
        return (self.case, _figures(self.one), _figures(self.other), f"{self.ratio:.2f}", self._met)

    def line(self) -> str:
        """Return the same for somebody who waits."""
        case, one, other, ratio, met = self.cells()
        return f"{case}: {one} against {other}, ratio {ratio}; target {met}"

    @property
    def _met(self) -> str:
        if self.target is None:
            return "none"
        met = self.ratio >= self.target if self.at_least else self.ratio <= self.target
        return f"{self.target:g} ({'met' if met else 'missed'})"


def table(one: str, other: str, found: list[Comparison]) -> str:
    """Return a Markdown table; `one` and `other` say what was measured on either side."""
    lines = [f"| case | {one} | {other} | ratio | target |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(comparison.cells())} |" for comparison in found]
    return "\n".join(lines)


def _figures(values: list[float]) -> str:
    middle = sorted(values)[len(values) // 10 : len(values) - len(values) // 10]
    return f"{_short(median(values))} ({_short(middle[0])} to {_short(middle[-1])})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
