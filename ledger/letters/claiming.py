"""The next letter to send: judged again under its invoice's lock, leased, and what it says."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from domain import letters
from domain.letters import Language, Overdue
from domain.money import Money
from ledger import outbox, stops
from ledger.books import invoices
from ledger.inbox import waiting
from ledger.letters import reminders
from ledger.outbox import Leased
from ledger.store import Books


@dataclass(frozen=True, slots=True)
class Addressed:
    """A leased reminder with everything it needs. `recipient` is None when the client has none.

    The letter leaves within ten seconds of `claimed_at`, or is claimed and judged anew.
    """

    leased: Leased
    claimed_at: datetime
    overdue: Overdue
    step_days: int
    language: Language
    recipient: str | None


@dataclass(frozen=True, slots=True)
class Closed:
    """A letter that is no longer wanted."""

    errand_id: int


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A letter that waits: money is unclear just now, or another hand has it."""

    errand_id: int


def claim(
    books: Books, now: datetime, passed_over: Collection[int] = ()
) -> Addressed | Closed | PassedOver | None:
    """Leases the next due letter that is not passed over; None when there is none.

    None too while letters are stopped. Locks the invoice, then the errand. Every claim judges anew,
    under the lock: money that came since the letter was written cancels it, and money that was
    reported but is not settled, or lies here for this very invoice, makes it wait.
    """
    if stops.are_letters_stopped(books):
        return None
    due = outbox.next_due(books, "letter", now, passed_over)
    if due is None:
        return None
    errand_id, subject = due
    invoice_id = int(subject.removeprefix("invoice:"))
    if not _is_locked(books, invoice_id):
        return PassedOver(errand_id)
    unwanted = _unwanted(books, errand_id, subject, invoice_id)
    if unwanted is not None:
        outbox.cancel(books, errand_id, unwanted)
        return Closed(errand_id)
    leased = None if _is_unclear(books, invoice_id) else outbox.lease(books, errand_id, now)
    return PassedOver(errand_id) if leased is None else _addressed(books, leased, invoice_id, now)


def _is_locked(books: Books, invoice_id: int) -> bool:
    """Locks the invoice, unless another hand has it: no letter waits for one invoice's act."""
    mine = books.value(
        "SELECT id FROM invoices WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED", id=invoice_id
    )
    return mine is not None


def _is_unclear(books: Books, invoice_id: int) -> bool:
    """Whether some report may tell of this very money, or money for this invoice lies here."""
    return (
        waiting.is_money_unclear(books)
        or waiting.is_any_received(books)
        or reminders.has_money_waiting(books, invoice_id)
    )


def _unwanted(books: Books, errand_id: int, subject: str, invoice_id: int) -> str | None:
    if not reminders.is_chased(books, invoice_id):
        return "no longer owed"
    if outbox.is_followed(books, errand_id, subject, "letter"):
        return "a later letter follows"
    return None


@dataclass(frozen=True, slots=True)
class _Parties:
    seller: str
    ibans: list[str]
    language: str
    recipient: str | None


def _addressed(books: Books, leased: Leased, invoice_id: int, now: datetime) -> Addressed:
    invoice = invoices.find(books, invoice_id)
    parties = books.row(
        _Parties,
        "SELECT s.name, s.ibans, c.language, c.email FROM seller s, clients c"
        " JOIN invoices i ON i.client_id = c.id WHERE i.id = :id",
        id=invoice_id,
    )
    assert invoice is not None, "foreign keys keep a reminded invoice"
    assert parties is not None, "an issued invoice has a seller and a client"
    overdue = Overdue(
        number=str(invoice.number),
        issue_on=_day(invoice.issue_on),
        due_on=_day(invoice.due_on),
        total=Money(invoice.currency, invoice.total_minor),
        open=Money(invoice.currency, invoice.open_minor),
        seller=parties.seller,
        ibans=tuple(parties.ibans),
    )
    language = letters.language(parties.language)
    return Addressed(
        leased, now, overdue, int(leased.body["step_days"]), language, parties.recipient
    )


def _day(day: date | None) -> date:
    assert day is not None, "an issued invoice has its dates"
    return day
