"""What a gateway may tell of one payment, and what is true once a set of it was told.

The truth is stated from the set alone, in figures, without the fold and its joins: no order can
hide in it, and a fold that is always wrong in the same way does not agree with it.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.facts import Fact, FactClass, Move, Status
from tests.builders import a_fact, at, ron
from tests.plain_books import Page

CAPTURED_MINOR = {"succeeded": 8000, "grown": 10000}
REFUNDED_MINOR = {"refund 1": 1000, "refund 2": 2000, "refund 3": 3000}
DISPUTED_MINOR = 10000
NAMING = {"failed", "grown"}  # the reports that echo what the money is meant for

REPORTS = (
    *("pending", "failed", "succeeded", "grown"),
    *("refund 1", "refund 2", "refund 3", "refund 2 failed"),
    *("withdrawn", "reinstated"),
)


def reports(payment: int = 1, invoice: str = "INV-0001") -> dict[str, Fact]:
    """Every report of one payment, by what it tells; each happened an hour after the one before."""
    reference = f"pi_{payment}"
    refunds = {
        name: _out(reference, minor, item=name.replace(" ", "_"))
        for name, minor in REFUNDED_MINOR.items()
    }
    told = {
        "pending": a_fact(ron("100"), reference=reference, status=Status.PENDING, meant_for=None),
        "failed": a_fact(ron("100"), reference=reference, status=Status.FAILED, meant_for=invoice),
        "succeeded": a_fact(ron("80"), reference=reference, meant_for=None),
        "grown": a_fact(ron("100"), reference=reference, meant_for=invoice),
        **refunds,
        "refund 2 failed": _out(reference, 2000, item="refund_2", status=Status.FAILED),
        "withdrawn": _disputed(reference, Move.OUT),
        "reinstated": _disputed(reference, Move.BACK),
    }
    return {name: _later(fact, hours) for hours, (name, fact) in enumerate(told.items())}


@dataclass(frozen=True, slots=True)
class Moved:
    """What one payment's set of reports comes to, in minor units; all zero before money came."""

    received_minor: int
    refunded_minor: int
    charged_back_minor: int
    is_named: bool

    @property
    def returned_minor(self) -> int:
        return self.refunded_minor + self.charged_back_minor

    @property
    def lost_minor(self) -> int:
        return max(0, self.returned_minor - self.received_minor)

    @property
    def kept_minor(self) -> int:
        return max(0, self.received_minor - self.returned_minor)


def moved(told: Set[str]) -> Moved:
    """The truth about one payment."""
    received_minor = max((CAPTURED_MINOR.get(name, 0) for name in told), default=0)
    if not received_minor:
        return Moved(0, 0, 0, is_named=False)
    refunded_minor = sum(
        minor
        for name, minor in REFUNDED_MINOR.items()
        if name in told and f"{name} failed" not in told
    )
    is_taken = "withdrawn" in told and "reinstated" not in told
    return Moved(
        received_minor, refunded_minor, DISPUTED_MINOR * is_taken, is_named=bool(NAMING & told)
    )


def truth(
    told: Mapping[int, Set[str]], meant: Mapping[int, int], totals_minor: Mapping[int, int]
) -> object:
    """Where the books must end, in the shape of `plain_books.end`.

    `told` by payment; `meant` has the invoice each payment names, `totals_minor` by invoice.
    """
    payments = {number: moved(names) for number, names in told.items()}
    meant = {number: meant[number] for number, each in payments.items() if each.is_named}
    invoices, credit_minor = [], 0
    for invoice, total_minor in totals_minor.items():
        sharing = [payments[number] for number in meant if meant[number] == invoice]
        kept_minor = sum(each.kept_minor for each in sharing)
        paid_minor = min(total_minor, kept_minor)
        credit_minor += kept_minor - paid_minor
        is_open = paid_minor < total_minor
        is_held = is_open and any(each.returned_minor for each in sharing)
        status = ("partially_paid" if paid_minor else "sent") if is_open else "paid"
        invoices.append((paid_minor, status, is_held, total_minor - kept_minor))
    unnamed_minor = sum(each.kept_minor for each in payments.values() if not each.is_named)
    totals = tuple(
        (each.received_minor, each.returned_minor, each.lost_minor) for each in payments.values()
    )
    return totals, tuple(invoices), credit_minor, unnamed_minor


_FURTHEST = {
    Move.IN: (Status.SUCCEEDED, Status.FAILED, Status.PENDING),
    Move.OUT: (Status.FAILED, Status.SUCCEEDED, Status.PENDING),
    Move.BACK: (Status.FAILED, Status.SUCCEEDED, Status.PENDING),
}


def true_facts(told: Iterable[Fact]) -> dict[object, tuple[object, ...]]:
    """What a set of reports makes known, by fact: status, amount, instant, class, names."""
    by_key: dict[object, list[Fact]] = {}
    for fact in told:
        by_key.setdefault(fact.key, []).append(fact)
    return {key: _true_fact(same) for key, same in by_key.items()}


def known_facts(page: Page, payment: int = 1) -> dict[object, tuple[object, ...]]:
    """The facts of a page in the same shape."""
    return {fact.key: _shown(fact) for fact in page.facts[payment - 1]}


def _true_fact(same: list[Fact]) -> tuple[object, ...]:
    statuses = {fact.status for fact in same}
    order = _FURTHEST[same[0].key.move]
    status = next(each for each in order if each in statuses)
    furthest = [fact for fact in same if fact.status is status]
    return (
        status,
        max(fact.money.minor for fact in furthest),
        min(fact.happened_at for fact in furthest),
        furthest[0].fact_class,
        {name for fact in same for name in fact.meant_for},
    )


def _shown(fact: Fact) -> tuple[object, ...]:
    return fact.status, fact.money.minor, fact.happened_at, fact.fact_class, {*fact.meant_for}


def _out(reference: str, minor: int, item: str, status: Status = Status.SUCCEEDED) -> Fact:
    return a_fact(
        ron(f"{minor // 100}"),
        reference=reference,
        move=Move.OUT,
        item=item,
        status=status,
        fact_class=FactClass.REFUND,
        meant_for=None,
    )


def _disputed(reference: str, move: Move) -> Fact:
    return a_fact(
        ron(f"{DISPUTED_MINOR // 100}"),
        reference=reference,
        move=move,
        item="du_1/txn_1" if move is Move.OUT else "du_1/txn_2",
        fact_class=FactClass.CHARGEBACK,
        meant_for=None,
    )


def _later(fact: Fact, hours: int) -> Fact:
    return replace(fact, happened_at=at("2026-11-20T10:00") + timedelta(hours=hours))
