"""What an import has done: as events of the log, the last of which programs read."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from app.ontology.kinds import Kind

# As many as are told with file and line; all are counted.
MAX_DETAILS = 100
MAX_TOLD = 20

ACTIONS = ("added", "changed", "revived", "removed", "unchanged")

# Level, message, further fields.
Event = tuple[int, str, dict[str, str | int]]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, where, in one sentence."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.reason}"


class Problems:
    """Counts problems and keeps the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.details: list[Problem] = []

    def add(self, problem: Problem, count: int = 1) -> None:
        """Keep one problem, and count as many as it stands for."""
        self.count += count
        if len(self.details) < MAX_DETAILS:
            self.details.append(problem)


@dataclass(slots=True)
class Summary:
    """What an import has done.

    `counts` says for each kind how many items were added, changed, revived, removed, and left
    unchanged; `skipped` for each folder how many files the hub has no place for. `errors` are
    files that were left out (what the hub had of them stays as it was), `warnings` what is odd
    about files that were not. `snapshot` is the id of the snapshot that was added, if any.
    """

    commit_sha: str | None = None
    name: str | None = None
    snapshot: int | None = None
    counts: dict[Kind, Counter[str]] = field(
        default_factory=lambda: {one: Counter() for one in Kind}
    )
    skipped: Counter[str] = field(default_factory=Counter)
    files_processed: int = 0
    errors: Problems = field(default_factory=Problems)
    warnings: Problems = field(default_factory=Problems)
    notes: list[str] = field(default_factory=list)

    def synced(self, *kinds: Kind) -> int:
        """Return how many items of these kinds the source holds, whether or not they changed."""
        return sum(
            self.counts[kind][action] for kind in kinds for action in ACTIONS if action != "removed"
        )

    def document(self) -> dict[str, Any]:
        """Return the summary as JSON has it: `summary` in the command's last line."""
        total = self._total()
        return {
            "commit_sha": self.commit_sha,
            "name": self.name,
            "snapshot": self.snapshot,
            "entities_synced": self.synced(Kind.CATEGORY, Kind.PROPERTY, Kind.SUBOBJECT),
            "modules_synced": self.synced(Kind.MODULE),
            "profiles_synced": self.synced(Kind.PROFILE),
            "files_processed": self.files_processed,
            **{action: total[action] for action in ACTIONS},
            "kinds": {
                kind.plural: {action: counts[action] for action in ACTIONS}
                for kind, counts in self.counts.items()
            },
            "skipped": dict(sorted(self.skipped.items())),
            "errors": self.errors.count,
            "error_details": [asdict(one) for one in self.errors.details],
            "warnings": self.warnings.count,
            "warning_details": [asdict(one) for one in self.warnings.details],
            "notes": self.notes,
        }

    def counted(self) -> dict[str, Any]:
        """Return how many items and files became what: what `job_runs` keeps, without any name."""
        return {
            "items": {
                kind: {action: counts[action] for action in ACTIONS}
                for kind, counts in self.counts.items()
            },
            "files_processed": self.files_processed,
            "files_failed": self.errors.count,
            "warnings": self.warnings.count,
        }

    def result(self) -> str:
        """Return how much became of the source's items and files, in a line."""
        total = self._total()
        parts = [f"{total[action]} {action}" for action in ACTIONS]
        return ", ".join([*parts, f"{self.errors.count} errors"])

    def _total(self) -> Counter[str]:
        return sum(self.counts.values(), Counter())

    def events(self) -> Iterator[Event]:
        """Return what there is to log beside the result."""
        for kind, counts in self.counts.items():
            parts = [f"{counts[action]} {action}" for action in ACTIONS if counts[action]]
            yield logging.INFO, f"{kind.plural}: {', '.join(parts) or 'none'}", {}
        skipped = [f"{count} of {folder}" for folder, count in sorted(self.skipped.items())]
        yield logging.INFO, f"skipped files: {', '.join(skipped) or 'none'}", {}
        for note in self.notes:
            yield logging.INFO, note, {}
        for level, problems in ((logging.WARNING, self.warnings), (logging.ERROR, self.errors)):
            told = problems.details[:MAX_TOLD]
            for problem in told:
                yield level, problem.reason, {"path": problem.path, "line": problem.line}
            if problems.count > len(told):
                yield level, f"and {problems.count - len(told)} more", {}
