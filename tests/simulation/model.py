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
    credited_minor: int = 0
    written_off_minor: int = 0
    words: dict[str, int] = field(default_factory=dict)

    @property
    def payable_minor(self) -> int:
        """What money may pay of it."""
        is_issued = self.state == "issued"
        return (self.total_minor - self.credited_minor - self.written_off_minor) * is_issued


@dataclass(slots=True)
class Model:
    """Invoices by row, and of every purchase, by its main name, its currency and people's words.

    `said` has what people said that it is meant for, `owners` the client that a person named.
    """

    invoices: dict[int, Invoice] = field(default_factory=dict)
    currencies: dict[str, str] = field(default_factory=dict)
    said: dict[str, tuple[int, ...]] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)

    def meant(self, name: str, payment: Payment) -> tuple[int, ...]:
        """The invoices it is meant for: what reports name counts until a person speaks."""
        named = () if payment.invoice is None else (payment.invoice,)
        return self.said.get(name, named)

    def is_tight(self, invoice: Invoice, payments: Mapping[str, Payment]) -> bool:
        """Whether its money is meant for nothing else, so that every order comes to one sum."""
        return all(len(self.meant(*payer)) == 1 for payer in self._payers(invoice, payments))

    def most_paid(self, invoice: Invoice, payments: Mapping[str, Payment]) -> int:
        """All that is meant for it, up to what it takes; just this where it is tight."""
        kept_minor = sum(
            payment.kept_minor
            for name, payment in self._payers(invoice, payments)
            if self.currencies[name] == invoice.currency
            and self.owners.get(name, invoice.client) == invoice.client
        )
        return min(invoice.payable_minor, kept_minor)

    def may_be_chased(self, invoice: Invoice, payments: Mapping[str, Payment]) -> bool:
        """Owed, nothing lies here for it, and nothing went back without a person's word."""
        payers = self._payers(invoice, payments)
        paid_minor = self.most_paid(invoice, payments)
        kept_minor = sum(payment.kept_minor for _, payment in payers)
        is_waiting = kept_minor != paid_minor and self.is_tight(invoice, payments)
        is_waiting |= any(self._is_free_for(invoice, *each) for each in payments.items())
        is_owed = paid_minor < invoice.payable_minor or not self.is_tight(invoice, payments)
        return is_owed and not is_waiting and not self._is_held(invoice, payments)

    def held(self, payments: Mapping[str, Payment]) -> list[Invoice]:
        """Invoices that are owed again and wait for a person's word."""
        return [
            invoice
            for invoice in self.invoices.values()
            if self.is_tight(invoice, payments)
            and self.most_paid(invoice, payments) < invoice.payable_minor
            and self._is_held(invoice, payments)
        ]

    def say_owed_again(self, invoice: Invoice, payments: Mapping[str, Payment]) -> None:
        """A person's word, for what went back up to now."""
        for name, payment in self._payers(invoice, payments):
            self._note_word(invoice, name, payment)

    def link(self, name: str, invoice: Invoice, payment: Payment) -> None:
        """A person means it for that invoice too; what went back before holds nothing there."""
        self.said[name] = (*self.meant(name, payment), invoice.id)
        self.owners.setdefault(name, invoice.client)
        self._note_word(invoice, name, payment)

    def unlink(self, name: str, invoice: Invoice, payment: Payment) -> None:
        """A person takes it off that invoice; it stays its client's, if it ever was."""
        meant = self.meant(name, payment)
        self.owners.setdefault(name, invoice.client)
        self.said[name] = tuple(each for each in meant if each != invoice.id)

    def _is_free_for(self, invoice: Invoice, name: str, payment: Payment) -> bool:
        """Credit of its client, in its currency, meant for nothing: it may be for this one."""
        is_of_client = self.owners.get(name) == invoice.client
        is_free = payment.kept_minor > 0 and not self.meant(name, payment)
        return is_free and is_of_client and self.currencies[name] == invoice.currency

    def _note_word(self, invoice: Invoice, name: str, payment: Payment) -> None:
        if payment.returned_minor:
            before = invoice.words.get(name, 0)
            invoice.words[name] = max(before, payment.returned_minor)

    def _is_held(self, invoice: Invoice, payments: Mapping[str, Payment]) -> bool:
        return any(
            payment.returned_minor > invoice.words.get(name, 0)
            for name, payment in self._payers(invoice, payments)
        )

    def _payers(
        self, invoice: Invoice, payments: Mapping[str, Payment]
    ) -> list[tuple[str, Payment]]:
        return [each for each in payments.items() if invoice.id in self.meant(*each)]


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
