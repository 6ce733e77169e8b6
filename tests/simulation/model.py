"""What must be true, from what was told and what people did: plain sums, no fold, no books.

Facts are a set; what people do is remembered in their order. Amounts are in minor units.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.simulation.shop import BACK, IN, OUT, Tells

_FURTHEST = ("failed", "succeeded", "pending")


@dataclass(frozen=True, slots=True)
class Payment:
    """What the told facts of one payment come to; `invoice` is the one they name."""

    received_minor: int
    returned_minor: int
    invoice: int | None

    @property
    def kept_minor(self) -> int:
        return max(0, self.received_minor - self.returned_minor)

    @property
    def lost_minor(self) -> int:
        return max(0, self.returned_minor - self.received_minor)


@dataclass(slots=True)
class Invoice:
    """One of ours, as people made it."""

    id: int
    client: int
    currency: str
    total_minor: int
    number: str = ""
    state: str = "draft"
    due_on: date | None = None
    words: dict[str, int] = field(default_factory=dict)

    def takes(self, payment: str, currencies: Mapping[str, str]) -> bool:
        """Whether money of that payment pays it now."""
        return self.state == "issued" and currencies[payment] == self.currency


@dataclass(slots=True)
class Model:
    """Invoices by row, and the currency of every purchase by its main name."""

    invoices: dict[int, Invoice] = field(default_factory=dict)
    currencies: dict[str, str] = field(default_factory=dict)

    def paid(self, payments: Mapping[str, Payment]) -> dict[int, int]:
        """What each invoice is paid: all that is meant for it, up to its total."""
        return {
            invoice.id: min(
                invoice.total_minor,
                sum(
                    payment.kept_minor
                    for name, payment in self._meant(invoice, payments)
                    if invoice.takes(name, self.currencies)
                ),
            )
            for invoice in self.invoices.values()
        }

    def credit(self, payments: Mapping[str, Payment]) -> int:
        """All that was kept and is on no invoice."""
        kept_minor = sum(payment.kept_minor for payment in payments.values())
        return kept_minor - sum(self.paid(payments).values())

    def may_be_chased(self, invoice: Invoice, payments: Mapping[str, Payment]) -> bool:
        """Owed, nothing lies here for it, and nothing went back without a person's word."""
        meant = self._meant(invoice, payments)
        paid_minor = self.paid(payments)[invoice.id]
        kept_minor = sum(payment.kept_minor for _, payment in meant)
        is_held = any(
            payment.returned_minor > invoice.words.get(name, 0) for name, payment in meant
        )
        is_owed = invoice.state == "issued" and paid_minor < invoice.total_minor
        return is_owed and kept_minor == paid_minor and not is_held

    def held(self, payments: Mapping[str, Payment]) -> list[Invoice]:
        """Invoices that are owed again and wait for a person's word."""
        paid_minor = self.paid(payments)
        return [
            invoice
            for invoice in self.invoices.values()
            if invoice.state == "issued"
            and paid_minor[invoice.id] < invoice.total_minor
            and any(
                payment.returned_minor > invoice.words.get(name, 0)
                for name, payment in self._meant(invoice, payments)
            )
        ]

    def say_owed_again(self, invoice: Invoice, payments: Mapping[str, Payment]) -> None:
        """A person's word, for what went back up to now."""
        for name, payment in self._meant(invoice, payments):
            if payment.returned_minor:
                before = invoice.words.get(name, 0)
                invoice.words[name] = max(before, payment.returned_minor)

    def _meant(
        self, invoice: Invoice, payments: Mapping[str, Payment]
    ) -> list[tuple[str, Payment]]:
        return [each for each in payments.items() if each[1].invoice == invoice.id]


def payments(told: Iterable[Tells]) -> dict[str, Payment]:
    """Every payment whose money came, by its main name."""
    by_name: dict[str, list[Tells]] = {}
    for each in told:
        by_name.setdefault(each.payment, []).append(each)
    found = {name: _payment(same) for name, same in by_name.items()}
    return {name: payment for name, payment in found.items() if payment.received_minor}


def _payment(told: list[Tells]) -> Payment:
    received_minor = max(
        (each.minor for each in told if each.move == IN and each.status == "succeeded"), default=0
    )
    refunded_minor = sum(_moved(told, OUT, is_chargeback=False))
    taken_minor = sum(_moved(told, OUT, is_chargeback=True))
    brought_minor = sum(_moved(told, BACK, is_chargeback=True))
    named = {each.invoice for each in told if each.invoice is not None}
    assert len(named) <= 1, "the shop names one invoice per purchase"
    return Payment(
        received_minor=received_minor,
        returned_minor=refunded_minor + max(0, taken_minor - brought_minor),
        invoice=next(iter(named), None),
    )


def _moved(told: list[Tells], move: str, *, is_chargeback: bool) -> list[int]:
    """The amount of every item that ended as moved."""
    items: dict[str, dict[str, int]] = {}
    for each in told:
        if each.move == move and each.is_chargeback == is_chargeback:
            items.setdefault(each.item, {})[each.status] = each.minor
    ends = {item: next(each for each in _FURTHEST if each in by) for item, by in items.items()}
    return [items[item][end] for item, end in ends.items() if end == "succeeded"]
