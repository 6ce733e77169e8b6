"""What a replay would change: done in earnest, looked at, and rolled back.

One moment of the database is seen throughout, so that what others commit meanwhile is not taken for
ours; where they touch the same rows, TryLater.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy.exc import OperationalError

from domain.errors import Refused
from domain.facts import Reading
from ledger.inbox import replaying, waiting
from ledger.inbox.waiting import MOST_ROWS, WaitingRow
from ledger.settlement import settling
from ledger.store import Books, Store

# What an event tells; None when its gateway is not configured just now, so that it would wait.
Reader = Callable[[WaitingRow], Reading | Refused | None]


@dataclass(frozen=True, slots=True)
class EventChange:
    """The state of an event before and after."""

    id: int
    event_id: str
    before: str
    after: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class PostingChange:
    """A posting that would be made; `payment` is the gateway's name for it, `invoice` a number."""

    kind: str
    source: str
    destination: str
    currency: str
    amount_minor: int
    payment: str | None
    invoice: str | None


@dataclass(frozen=True, slots=True)
class PaymentChange:
    """A payment as it would be; `reference` is the gateway's name for it."""

    reference: str | None
    is_new: bool
    currency: str
    amount_minor: int
    unapplied_minor: int


@dataclass(frozen=True, slots=True)
class InvoiceChange:
    """What would be open of an invoice, before and after; its number, None while a draft."""

    number: str | None
    currency: str
    open_before_minor: int
    open_after_minor: int


@dataclass(frozen=True, slots=True)
class AttentionChange:
    """Something for a person that would be opened, or resolved."""

    kind: str
    subject: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Everything that would change."""

    events: Sequence[EventChange]
    payments: Sequence[PaymentChange]
    postings: Sequence[PostingChange]
    invoices: Sequence[InvoiceChange]
    opened: Sequence[AttentionChange]
    resolved: Sequence[AttentionChange]


def rehearse(store: Store, ids: Sequence[int], read: Reader, zone: ZoneInfo) -> Rehearsal:
    """Puts these events back and settles them as a worker would, shows it, and undoes it all."""
    with store.rehearsal() as books:
        mark = books.row(_Mark, _MARK)
        assert mark is not None
        before = _states(books, ids)
        replaying.put_back(books, ids, "rehearsal", "rehearsal")
        _settle_all(books, ids, read, zone)
        return _difference(books, mark, before, _states(books, ids))


@dataclass(frozen=True, slots=True)
class _Mark:
    posting_id: int
    payment_id: int
    attention_id: int
    at: datetime


_MARK = """
SELECT (SELECT coalesce(max(id), 0) FROM postings), (SELECT coalesce(max(id), 0) FROM payments),
       (SELECT coalesce(max(id), 0) FROM attention), clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class _State:
    id: int
    event_id: str
    state: str
    reason: str | None


def _states(books: Books, ids: Sequence[int]) -> Mapping[int, _State]:
    rows = books.rows(
        _State,
        "SELECT id, event_id, state, reason FROM inbox WHERE id = ANY (CAST(:ids AS bigint[]))"
        " ORDER BY id",
        ids=list(ids),
    )
    return {row.id: row for row in rows}


def _settle_all(books: Books, ids: Sequence[int], read: Reader, zone: ZoneInfo) -> None:
    """In batches, as a worker claims them."""
    waits = iter(
        books.rows(
            WaitingRow,
            "SELECT id, gateway, account, raw FROM inbox WHERE id = ANY (CAST(:ids AS bigint[]))"
            " AND state = 'received' ORDER BY id",
            ids=list(ids),
        )
    )
    while batch := list(islice(waits, MOST_ROWS)):
        told = ((row.id, read(row)) for row in batch)
        _settle(books, {id_: reading for id_, reading in told if reading is not None}, zone)


def _settle(books: Books, readings: Mapping[int, Reading | Refused], zone: ZoneInfo) -> None:
    """A batch that breaks the code is settled one by one, and who breaks it alone ends as dead."""
    if not readings:
        return
    try:
        with books.savepoint():
            waiting.close(books, settling.settle(books, readings, zone).closings)
    except OperationalError:
        raise  # the world is busy, or gone
    except Exception as error:
        if all(isinstance(reading, Refused) for reading in readings.values()):
            raise  # none of them is to blame
        for id_, reading in readings.items():
            alone = fails(error) if len(readings) == 1 else reading
            _settle(books, {id_: alone}, zone)


def fails(error: Exception) -> Refused:
    """How an event ends over which our own code stumbles, try after try."""
    told = f"{type(error).__name__}: {error}".splitlines()[0]
    return Refused("used_up", f"tried {waiting.MOST_TRIES} times: {told}"[:400])


def _difference(
    books: Books, mark: _Mark, before: Mapping[int, _State], after: Mapping[int, _State]
) -> Rehearsal:
    opened = books.rows(
        AttentionChange,
        "SELECT kind, subject, detail FROM attention WHERE id > :id AND resolved_at IS NULL"
        " ORDER BY id",
        id=mark.attention_id,
    )
    resolved = books.rows(
        AttentionChange,
        "SELECT kind, subject, detail FROM attention WHERE id <= :id AND resolved_at >= :at"
        " ORDER BY id",
        id=mark.attention_id,
        at=mark.at,
    )
    stays = {(each.kind, each.subject) for each in opened} & {
        (each.kind, each.subject) for each in resolved
    }
    return Rehearsal(
        events=[
            EventChange(id_, was.event_id, was.state, after[id_].state, after[id_].reason)
            for id_, was in before.items()
        ],
        payments=books.rows(
            PaymentChange, _PAYMENTS, posting_id=mark.posting_id, payment_id=mark.payment_id
        ),
        postings=books.rows(PostingChange, _POSTINGS, posting_id=mark.posting_id),
        invoices=books.rows(InvoiceChange, _INVOICES, posting_id=mark.posting_id),
        opened=[each for each in opened if (each.kind, each.subject) not in stays],
        resolved=[each for each in resolved if (each.kind, each.subject) not in stays],
    )


_PAYMENTS = """
SELECT m.gateway_reference, m.id > :payment_id, m.currency, m.amount_minor,
       m.unapplied_minor + m.unidentified_minor
FROM payments m
WHERE m.id IN (SELECT payment_id FROM postings WHERE id > :posting_id)
ORDER BY m.id
"""
_POSTINGS = """
SELECT p.kind, p.source, p.destination, p.currency, p.amount_minor, m.gateway_reference, i.number
FROM postings p
LEFT JOIN payments m ON m.id = p.payment_id
LEFT JOIN invoices i ON i.id = p.invoice_id
WHERE p.id > :posting_id
ORDER BY p.id
"""
# What is open is minus the balance of the invoice's account, so the new postings tell what was.
_INVOICES = """
SELECT i.number, i.currency, (balance.now_minor + balance.moved_minor)::bigint, balance.now_minor
FROM invoices i
CROSS JOIN LATERAL (
    SELECT CASE i.state WHEN 'issued'
                THEN i.total_minor - i.paid_minor - i.credited_minor - i.written_off_minor
                     - i.settled_before_minor ELSE 0 END AS now_minor,
           (SELECT coalesce(sum(CASE WHEN p.destination = 'invoice' THEN p.amount_minor
                                     WHEN p.source = 'invoice' THEN -p.amount_minor END), 0)
            FROM postings p WHERE p.invoice_id = i.id AND p.id > :posting_id) AS moved_minor
) AS balance
WHERE i.id IN (SELECT invoice_id FROM postings WHERE id > :posting_id)
ORDER BY i.id
"""
