"""What happened in a run, how often, and what has not happened often enough to prove anything."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Beside the actions themselves: what befalls them.
_LEAST = {
    "died": 10,
    "reordered": 5,
    "doubled in one flush": 2,
    "altered": 1,
    "letters sent": 1,
    "second settled": 2,
    "second met a lock": 2,
}
_LEAST_OF_AN_ACTION = 1

# A commit that was made so often was also cut off, on both sides; the money's own always.
_OFTEN = 4

# Which action leads to a commit that does not bear its name.
_ACTIONS = {
    "arrivals.keep": "deliver",
    "waiting._claim": "settle",
    "events.settle_next": "settle",
    "waiting.blame": "stumble",
    "waiting.forget": "be_busy",
    "people._replay": "replay_any",
    "calendar._leave": "post",
    "reminders.is_money_known": "post",
}
_POINTS = {
    *("arrivals.keep", "waiting._claim", "events.settle_next", "waiting.blame", "waiting.forget"),
    *("our_side.sweep", "people.issue", "calendar.write_due", "calendar.post"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """How often everything happened; `passed` and `died` are by commit point."""

    seed: int
    steps: int
    done: Counter[str]
    passed: Counter[str]
    died: Counter[tuple[str, str]]

    def missing(self, actions: Sequence[str]) -> list[str]:
        """What must still happen: every action, and a death on both sides of every commit."""
        least = _LEAST | dict.fromkeys(actions, _LEAST_OF_AN_ACTION)
        rare = [name for name, number in least.items() if self.done[name] < number]
        often = {point for point, passed in self.passed.items() if passed >= _OFTEN}
        unhurt = [
            _ACTIONS.get(point, point.rpartition(".")[2])
            for point in sorted(_POINTS | often)
            if not (self.died[point, "before"] and self.died[point, "after"])
        ]
        return rare + unhurt

    def lines(self) -> list[str]:
        """A small table, and one line that sums it up."""
        counts = [f"{name:24}{number:6}" for name, number in sorted(self.done.items())]
        rows = ["   ".join(counts[n : n + 3]) for n in range(0, len(counts), 3)]
        points = [
            f"{point:28}{passed:6} commits, died before{self.died[point, 'before']:4},"
            f" after{self.died[point, 'after']:4}"
            for point, passed in sorted(self.passed.items())
        ]
        return [*rows, *points, self.summary()]

    def summary(self) -> str:
        """One line of counts."""
        deaths = self.died.total() + self.done["settle_and_die"]
        return (
            f"seed={self.seed} steps={self.steps + self.done['more steps']}"
            f" events={self.done['events']} payments={self.done['payments']} deaths={deaths}"
            f" commit_points={len(self.passed)} differences=0"
        )
