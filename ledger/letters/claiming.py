"""The next letter to send: judged again under its invoice's lock, leased, and what it says."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from domain.letters import Language, Overdue
from domain.money import Money
from ledger import stops
from ledger.books import invoices
from ledger.letters import outbox, reminders
from ledger.letters.outbox import Leased
from ledger.store import Books


@dataclass(frozen=True, slots=True)
class Addressed:
    """A leased reminder with everything it needs. `recipient` is None when the client has none."""

    leased: Leased
    overdue: Overdue
    step_days: int
    language: Language
    recipient: str | None


def claim(books: Books, now: datetime) -> Addressed | Literal["cancelled"] | None:
    """Leases the next due letter; "cancelled" when it is no longer wanted, None when none is due.

    None too while letters are stopped. Locks the invoice, then the errand. Every claim judges anew:
    money that came since the letter was written cancels it.
    """
    if stops.are_letters_stopped(books):
        return None
    due = outbox.next_due(books, "letter", now)
    if due is None:
        return None
    errand_id, subject = due
    invoice_id = int(subject.removeprefix("invoice:"))
    books.run("SELECT FROM invoices WHERE id = :id FOR NO KEY UPDATE", id=invoice_id)
    if not reminders.is_chased(books, invoice_id):
        outbox.cancel(books, errand_id, "no longer owed")
        return "cancelled"
    leased = outbox.lease(books, errand_id, now)
    return None if leased is None else _addressed(books, leased, invoice_id)


@dataclass(frozen=True, slots=True)
class _Parties:
    seller: str
    ibans: list[str]
    language: str
    recipient: str | None


def _addressed(books: Books, leased: Leased, invoice_id: int) -> Addressed:
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
    language: Language = "ro" if parties.language == "ro" else "en"
    return Addressed(leased, overdue, int(leased.body["step_days"]), language, parties.recipient)


def _day(day: date | None) -> date:
    assert day is not None, "an issued invoice has its dates"
    return day
