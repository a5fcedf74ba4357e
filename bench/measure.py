"""Rounds of up, up again and down on both sides, in turns, and the table of their times."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.sides import (
    ComposeSide,
    PulumiSide,
    Side,
    check_down,
    check_kept,
    check_up,
    ids,
)

UP = "`up` from nothing"
AGAIN = "`up`, nothing to do"
DOWN = "destroy"
TARGETS = {UP: 1.3, AGAIN: 0.9, DOWN: 1.2}
REPEATS = 3  # of the quick case, in each round

Samples = dict[tuple[str, str], list[float]]


@dataclass(frozen=True)
class Measured:
    """Seconds by (case, side)."""

    samples: Samples

    def table(self) -> str:
        """Return medians (with the least and the most) and the ratio of medians as Markdown."""
        lines = [
            "| case | Pulumi, s | docker compose, s | ratio | target |",
            "|---|---|---|---|---|",
        ]
        for case, target in TARGETS.items():
            pulumi, compose = self.samples[case, "pulumi"], self.samples[case, "compose"]
            ratio = median(pulumi) / median(compose)
            met = "met" if ratio <= target else "missed"
            lines.append(
                f"| {case} | {_seconds(pulumi)} | {_seconds(compose)} "
                f"| {ratio:.2f} | {target:.1f} ({met}) |"
            )
        return "\n".join(lines)


def measure(
    pulumi: PulumiSide, compose: ComposeSide, url: str, rounds: int, say: Callable[[str], None]
) -> Measured:
    """Measure both sides in turns; raises `UserError` if one is not well, for then no time counts.

    Each round begins with the other side, so that neither always finds the warmer machine.
    """
    samples: Samples = {(case, side.name): [] for case in TARGETS for side in (pulumi, compose)}
    for number in range(1, rounds + 1):
        order: list[Side] = [pulumi, compose] if number % 2 else [compose, pulumi]
        for side in order:
            _round(side, url, samples)
            last = ", ".join(f"{case} {samples[case, side.name][-1]:.1f} s" for case in TARGETS)
            say(f"    round {number} of {rounds}, {side.name}: {last}")
    return Measured(samples)


def _round(side: Side, url: str, samples: Samples) -> None:
    samples[UP, side.name].append(side.up().seconds)
    check_up(side, url)
    running = ids(side)
    for _ in range(REPEATS):
        samples[AGAIN, side.name].append(side.up().seconds)
    check_up(side, url)
    check_kept(side, running)
    volumes = {
        mount["Name"]
        for one in side.containers().values()
        for mount in one["Mounts"]
        if mount["Type"] == "volume"
    }
    samples[DOWN, side.name].append(side.down().seconds)
    check_down(side, volumes)


def _seconds(samples: list[float]) -> str:
    return f"{median(samples):.1f} ({min(samples):.1f} to {max(samples):.1f})"
