"""What came of a simulated payment, read from the books."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from time import monotonic, sleep

from domain.balance import balance_minor
from domain.errors import Refused
from domain.invoices import Standing, status
from domain.money import Money, decimal_text
from gateways import stripe
from ledger.books import invoices, payments, trail
from ledger.books.payments import PaymentRow
from ledger.books.trail import EventRow, PostingRow
from ledger.store import Books, Store

PATIENCE_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Shown:
    """An invoice as people see it; amounts as decimal text.

    `planned` are its coming reminders, in days after it was due.
    """

    status: str
    paid: str
    balance: str
    planned: Sequence[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the books hold of the payment and its invoice."""

    events: Sequence[EventRow]
    payment: PaymentRow | None
    postings: Sequence[PostingRow]
    attention: Sequence[str]
    invoice: Shown


def shown(books: Books, invoice: Standing, today: date) -> Shown:
    """The invoice on a local day."""
    overpaid_minor = invoices.extras(books, [invoice.id])[invoice.id].overpaid_minor
    reminders = trail.reminders(books, invoice.id)
    return Shown(
        status=status(invoice, today),
        paid=_text(invoice, invoice.paid_minor),
        balance=_text(invoice, balance_minor(invoice, overpaid_minor)),
        planned=[each.step_days for each in reminders if each.state == "planned"],
    )


def settled_after(store: Store, event_ids: Collection[str], since: float) -> float:
    """Waits until every event is out of the hands of the workers; answers seconds since `since`.

    Refused when they are not within PATIENCE_SECONDS.
    """
    while True:
        with store.snapshot() as books:
            found = trail.events(books, stripe.NAME, list(event_ids))
        if len(found) == len(event_ids) and all(row.state != "received" for row in found):
            return monotonic() - since
        if monotonic() - since > PATIENCE_SECONDS:
            raise Refused(
                "not_settled",
                f"{len(found)} of {len(event_ids)} events are kept, but no worker has settled them"
                f" within {PATIENCE_SECONDS:.0f} s: look at the workers in Flower, or run"
                " `incasso doctor`",
            )
        sleep(_LOOK_EVERY_SECONDS)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the books stood before a gateway of the sandbox told anything: the latest numbers."""

    gateway: str
    invoice_id: int
    event: int
    payment: int

    def events(self, books: Books) -> list[EventRow]:
        """What was kept of the gateway since."""
        return trail.arrived(books, self.gateway, self.event)

    def payment_since(self, books: Books) -> PaymentRow | None:
        """What has come for the invoice since."""
        meant = payments.Wanted(invoice_id=self.invoice_id)
        return next(iter(payments.page(books, meant, after=self.payment, most=1)), None)


def mark(books: Books, gateway: str, invoice_id: int) -> Mark:
    """Where the books stand now."""
    return Mark(gateway, invoice_id, trail.newest(books), payments.newest(books))


def paid_after(store: Store, mark: Mark, is_quiet: Callable[[], bool], since: float) -> float:
    """Waits until the invoice is paid, and all that was told is settled; seconds since `since`.

    Refused when it is not within PATIENCE_SECONDS. Whether the gateway is quiet counts for a third
    of that: something else may be on its way for long.
    """
    while True:
        with store.snapshot() as books:
            is_paid = mark.payment_since(books) is not None
            open_ = [each for each in mark.events(books) if each.state in ("received", "parked")]
        seconds = monotonic() - since
        if is_paid and not open_ and (seconds > PATIENCE_SECONDS / 3 or is_quiet()):
            return seconds
        if seconds > PATIENCE_SECONDS:
            raise Refused(
                "not_settled",
                f"the customer has paid, and within {PATIENCE_SECONDS:.0f} s it is not in the"
                f" books ({len(open_)} events wait): look at the workers in Flower, or run"
                " `incasso doctor`",
            )
        sleep(_LOOK_EVERY_SECONDS)


def read(
    books: Books,
    invoice_id: int,
    payment: PaymentRow | None,
    events: Sequence[EventRow],
    today: date,
) -> Outcome:
    """Everything the books hold of it at one moment; open on a snapshot."""
    invoice = invoices.find(books, invoice_id)
    assert invoice is not None, "an invoice is never deleted once it has a number"
    return Outcome(
        events=events,
        payment=payment,
        postings=trail.postings(books, payment.id) if payment else (),
        attention=trail.attention(books, payment.id) if payment else (),
        invoice=shown(books, invoice, today),
    )


def _text(invoice: Standing, minor: int) -> str:
    return decimal_text(Money(invoice.currency, minor))
