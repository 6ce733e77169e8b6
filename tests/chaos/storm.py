"""The schedule of a storm: which fault strikes when, as the seed has it, and who heals."""

import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from runtime import clock
from tests.chaos.faults import FAULTS, Course, Fault
from tests.chaos.site import Site


@dataclass(eq=False, slots=True)
class _Struck:
    """A fault under way, and the moment it goes on."""

    target: str
    course: Course
    due: float


class Storm:
    """Strikes every so many seconds. Faults are dealt like cards: each kind once before any again.

    They overlap, but nobody suffers two at a time.
    """

    def __init__(self, site: Site, rng: random.Random, every_seconds: float) -> None:
        self._site = site
        self._journal = site.plant.folder / "faults.log"
        self._rng = rng
        self._every_seconds = every_seconds
        self._cards = deque(_dealt(rng))
        self._under_way: list[_Struck] = []
        self._next_at = monotonic()
        self.counts: Counter[str] = Counter()
        self.last = ""

    @property
    def is_over(self) -> bool:
        return not self._under_way

    @property
    def struck(self) -> set[str]:
        """Who suffers at the moment."""
        return {struck.target for struck in self._under_way}

    def tick(self) -> None:
        """Goes on with what is due, and strikes when it is time."""
        self.heal()
        if monotonic() >= self._next_at:
            self._next_at += self._every_seconds
            self._strike()

    def heal(self) -> None:
        """Goes on with what is due."""
        for struck in [each for each in self._under_way if each.due <= monotonic()]:
            self._go_on(struck)

    def _strike(self) -> None:
        fault, target = self._draw()
        struck = _Struck(target, fault.befall(self._site, target), 0.0)
        self._under_way.append(struck)
        self._go_on(struck)
        if struck in self._under_way:  # it found somebody to befall
            self.counts[fault.kind] += 1
            self.last = fault.kind
            self._note(f"{fault.kind} befalls {target}")

    def _go_on(self, struck: _Struck) -> None:
        pause = next(struck.course, None)
        if pause is None:
            self._under_way.remove(struck)
            self._note(f"{struck.target} is well")
        else:
            struck.due = monotonic() + pause

    def _note(self, what: str) -> None:
        with self._journal.open("a") as journal:
            journal.write(f"{clock.now():%H:%M:%S.%f} {what}\n")

    def _draw(self) -> tuple[Fault, str]:
        """The first card whose fault finds somebody who is well."""
        if len(self._cards) < len(FAULTS):
            self._cards.extend(_dealt(self._rng))
        for place, fault in enumerate(self._cards):
            well = [target for target in fault.targets if target not in self.struck]
            if well:
                del self._cards[place]
                return fault, self._rng.choice(well)
        raise AssertionError("nobody is well")


def _dealt(rng: random.Random) -> Iterator[Fault]:
    return iter(rng.sample(FAULTS, len(FAULTS)))


def kinds() -> Sequence[str]:
    """Every kind of fault there is."""
    return [fault.kind for fault in FAULTS]
