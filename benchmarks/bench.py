"""What every candidate is given, and how it tells what was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import load
from benchmarks.ground import Ground
from benchmarks.stores import Stores
from domain.errors import Refused
from ledger.books import audit
from ledger.store import Store

Figures = Mapping[str, Any]

# More than any machine we know of takes in; what is not sent costs nothing but memory.
MOST_PER_SECOND = 16_000


@dataclass(frozen=True, slots=True)
class Bench:
    """Each load lasts `seconds`, after `warm_seconds` that do not count.

    `backlog` events are settled at a stretch, `singles` one by one.
    """

    stores: Stores
    ground: Ground
    seconds: float
    warm_seconds: float
    backlog: int = 20_000
    singles: int = 12

    @property
    def numbers(self) -> range:
        """The events that may arrive."""
        return range(self.ground.first, self.ground.numbers)


def differences(dsn: str) -> int:
    """How many differences the audit finds."""
    store = Store(dsn)
    with store.snapshot() as books:
        found = list(audit.audit(books))
    store.close()
    return len(found)


def accepting(seen: load.Seen) -> Figures:
    """How fast deliveries were answered, and what sending them cost."""
    return {
        "p50_ms": seen.percentile_ms(50),
        "p99_ms": seen.percentile_ms(99),
        "sender_us": seen.cpu_us_per_request,
    }


def same(found: int, seen: load.Seen, what: str) -> None:
    """Only rows that are really there count, and every acknowledged delivery has one."""
    if seen.refused or found != seen.accepted:
        raise Refused(
            "not_measured",
            f"{seen.accepted} acknowledged, {seen.refused} refused, but {found} {what}",
        )
