"""Orders in which reports may come, told step by step; what was told before is not told again.

Telling is a pure function of a page, so a page that was reached before needs no second telling:
all orders of a set share the pages they lead over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.facts import Fact
from tests.plain_books import Page, check, end, tell

Told = tuple[int, str]  # a payment, and which of its reports


@dataclass(slots=True, eq=False)
class Place:
    """A page that some order leads to; lawful, or it is never reached."""

    page: Page
    end: object
    ways: dict[Told, "Place"] = field(default_factory=dict)


class Map:
    """Every place that reports lead to from an empty page, drawn as far as anybody walked."""

    def __init__(self, start: Page, reports: Mapping[Told, Fact]) -> None:
        self._reports = reports
        self._places: dict[Page, Place] = {}
        self.start = self._place(start)

    def step(self, place: Place, told: Told) -> Place:
        """Where one more report leads."""
        found = place.ways.get(told)
        if found is None:
            page = tell(place.page, self._reports[told], payment=told[0])
            found = place.ways[told] = self._place(page)
        return found

    def walk(self, told: Sequence[Told]) -> Place:
        place = self.start
        for each in told:
            place = self.step(place, each)
        return place

    def _place(self, page: Page) -> Place:
        place = self._places.get(page)
        if place is None:
            check(page)
            place = self._places[page] = Place(page, end(page))
        return place

    def __len__(self) -> int:
        return len(self._places)
