"""The trail a payment leaves: its events, its postings, its invoice's reminders; reading only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.store import Books


@dataclass(frozen=True, slots=True)
class EventRow:
    """How far a delivery in the inbox has come; `reason` says why where it was not settled.

    `source` is how it came: a webhook, or the answer to a lookup.
    """

    event_id: str
    kind: str
    source: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class PostingRow:
    """One movement of money; `amount_minor` in minor units of `currency`."""

    kind: str
    source: str
    destination: str
    currency: str
    amount_minor: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ReminderRow:
    """One step of chasing an invoice, so many days after it was due; `due_at` in UTC."""

    step_days: int
    state: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: str


def events(books: Books, gateway: str, event_ids: Sequence[str]) -> list[EventRow]:
    """Those of these events that were kept."""
    return books.rows(
        EventRow,
        "SELECT event_id, kind, source, state, reason FROM inbox WHERE gateway = :gateway"
        " AND event_id = ANY (CAST(:ids AS text[])) ORDER BY id",
        gateway=gateway,
        ids=list(event_ids),
    )


def newest(books: Books) -> int:
    """The row number of the latest arrival, 0 before the first."""
    return int(books.value("SELECT coalesce(max(id), 0) FROM inbox"))


def arrived(books: Books, gateway: str, after: int) -> list[EventRow]:
    """What was kept of a gateway behind this row number, at most 1,000 events, oldest first."""
    return books.rows(
        EventRow,
        "SELECT event_id, kind, source, state, reason FROM inbox"
        " WHERE gateway = :gateway AND id > :after ORDER BY id LIMIT 1000",
        gateway=gateway,
        after=after,
    )


def postings(books: Books, payment_id: int) -> list[PostingRow]:
    """The postings of a payment, in the order they were made."""
    return books.rows(
        PostingRow,
        "SELECT kind, source, destination, currency, amount_minor, recorded_at FROM postings"
        " WHERE payment_id = :id ORDER BY id",
        id=payment_id,
    )


def reminders(books: Books, invoice_id: int) -> list[ReminderRow]:
    """The reminders of an invoice's present cycle, by step."""
    return books.rows(
        ReminderRow,
        "SELECT r.step_days, r.state, r.due_at FROM reminders r"
        " JOIN invoices i ON i.id = r.invoice_id AND i.reminder_cycle = r.cycle"
        " WHERE i.id = :id ORDER BY r.step_days",
        id=invoice_id,
    )


def attention(books: Books, payment_id: int) -> list[str]:
    """The kinds of what is open for a person to look at, of this payment."""
    rows = books.rows(
        _Kind,
        "SELECT kind FROM attention WHERE subject = :subject AND resolved_at IS NULL ORDER BY id",
        subject=f"payment:{payment_id}",
    )
    return [row.kind for row in rows]
