"""Settles a batch: what the deliveries tell becomes facts, and the difference is posted.

The number of statements does not depend on the number of rows: everything is read by arrays and
written from arrays, and the fold between is pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from domain import settlement
from domain.attention import Attention, AttentionKind
from domain.errors import Refused, TryLater
from domain.facts import Fact, Ignored, Move, Reading, Report, Status
from domain.settlement import KnownFact
from domain.trial import Changes
from ledger.books import attention, holdings, journal
from ledger.inbox.waiting import Closing
from ledger.letters import reminders
from ledger.settlement import meaning, merging
from ledger.settlement.merging import Merged
from ledger.settlement.naming import Reference
from ledger.store import Books, columns


@dataclass(frozen=True, slots=True)
class Settled:
    """What a batch did, as its log line tells it; `closings` are the fates of its inbox rows."""

    closings: tuple[Closing, ...]
    payments: int
    postings: int
    invoices: int


def settle(books: Books, readings: Mapping[int, Reading | Refused], zone: ZoneInfo) -> Settled:
    """Books what the readings tell, each under its inbox row's id; the rows are claimed.

    Locks, in this order: main payment names, payments, invoices, each sorted. Safe to run again:
    what is already posted leaves no difference. The caller closes the inbox rows and commits.
    """
    told = {id_: reading for id_, reading in readings.items() if isinstance(reading, tuple)}
    noticed = [seen for id_, reading in readings.items() for seen in _notice(id_, reading)]
    done = _Done(0, 0, 0)
    if told:
        done, found = _book(books, told, zone)
        noticed += found
    attention.open_all(books, noticed)
    closings = tuple(_closing(id_, reading) for id_, reading in readings.items())
    return Settled(closings, done.payments, done.postings, done.invoices)


def settle_found(books: Books, zone: ZoneInfo) -> int:
    """Books money that named its invoice before there was one; answers how many payments.

    Locks as `settle` does.
    """
    references = meaning.found_late(books)
    if not references:
        return 0
    merged = merging.known(books, references)
    changes, named_twice = _settle(books, merged, _payments(books, merged, zone), zone, ())
    attention.open_all(books, named_twice)
    return len(changes.payments)


@dataclass(frozen=True, slots=True)
class _Done:
    payments: int
    postings: int
    invoices: int


def _book(
    books: Books, told: Mapping[int, Sequence[Report]], zone: ZoneInfo
) -> tuple[_Done, list[Attention]]:
    merged = merging.merge(books, told)
    meaning.note_attempts(books, merged)
    payments = _payments(books, merged, zone)
    changes, named_twice = _settle(books, merged, payments, zone, sorted(told))
    done = _Done(len(changes.payments), len(changes.postings), len(changes.invoices))
    return done, [*merged.attention, *named_twice]


def _settle(
    books: Books,
    merged: Merged,
    payments: Mapping[Reference, int],
    zone: ZoneInfo,
    inbox_ids: Sequence[int],
) -> tuple[Changes, list[Attention]]:
    """Locks the payments, then the invoices they are meant for, and posts what is missing.

    Where money went back, the others that are meant for the same invoices are locked and applied
    with them: what one payment lost, another one may have. An intent's foreign key shares a lock
    on its invoice, so intents come after the payments.
    """
    facts = {payments[reference]: merged.facts[reference] for reference in payments}
    payment_ids = sorted(facts)
    is_return = any(_is_return(known) for known in facts.values())
    if is_return:
        payment_ids = holdings.sharing(books, payment_ids)
    holdings.lock_payments(books, payment_ids)
    named_twice = meaning.note_intents(books, merged, payments)
    holdings.lock_invoices_touched(books, payment_ids)
    if is_return and holdings.sharing(books, payment_ids) != payment_ids:
        raise TryLater(timedelta(milliseconds=50), "money for the same invoice came meanwhile")
    changes = settlement.settle(holdings.extract(books, payment_ids), facts, zone)
    _write(books, changes, inbox_ids)
    return changes, named_twice


def _is_return(known: Sequence[KnownFact]) -> bool:
    return any(each.fact.key.move is not Move.IN for each in known)


def _payments(books: Books, merged: Merged, zone: ZoneInfo) -> dict[Reference, int]:
    """The payment of every reference whose money has arrived, made where there is none yet."""
    arrived = {
        reference: first
        for reference, known in merged.facts.items()
        if (first := _arrival(known)) is not None
    }
    rows = [
        (*reference, fact.money.currency, fact.happened_at.astimezone(zone).date())
        for reference, fact in sorted(arrived.items())
    ]
    names = ("gateways", "accounts", "references", "currencies", "days")
    books.run(
        """
        INSERT INTO payments (state, gateway, account, gateway_reference, currency, method, paid_on,
                              reference)
        SELECT 'posted', told.gateway, told.account, told.reference, told.currency, told.gateway,
               told.day, told.reference
        FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                    CAST(:references AS text[]), CAST(:currencies AS text[]), CAST(:days AS date[]))
             AS told (gateway, account, reference, currency, day)
        ON CONFLICT ON CONSTRAINT payments_gateway_once DO NOTHING
        """,
        **columns(rows, names),
    )
    found = books.rows(
        _PaymentRow,
        """
        SELECT p.id, p.gateway, p.account, p.gateway_reference FROM payments p
        JOIN unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                    CAST(:references AS text[])) AS told (gateway, account, reference)
          ON (p.gateway, p.account, p.gateway_reference)
           = (told.gateway, told.account, told.reference)
        """,
        **columns([row[:3] for row in rows], names[:3]),
    )
    return {(row.gateway, row.account, row.reference): row.id for row in found}


@dataclass(frozen=True, slots=True)
class _PaymentRow:
    id: int
    gateway: str
    account: str
    reference: str


def _arrival(known: Sequence[KnownFact]) -> Fact | None:
    """The fact that put money on a payment; None while nothing has arrived."""
    arrived = (
        each.fact
        for each in known
        if each.fact.key.move is Move.IN and each.fact.status is Status.SUCCEEDED
    )
    return next(arrived, None)


def _write(books: Books, changes: Changes, inbox_ids: Sequence[int]) -> None:
    if not changes.postings:
        return
    holdings.write_payments(books, changes.payments)
    holdings.write_invoices(books, changes.invoices)
    reminders.cancel(books, [invoice.id for invoice in changes.invoices if not invoice.is_open])
    attention.renew(books, [payment.id for payment in changes.payments], changes.attention)
    journal.record(
        books,
        journal.Act(actor="worker", act="settle", after={"inbox": list(inbox_ids)}),
        changes.postings,
    )


def _notice(inbox_id: int, reading: Reading | Refused) -> list[Attention]:
    subject = f"event:{inbox_id}"
    match reading:
        case Refused() as refusal:
            return [Attention(AttentionKind.DEAD_EVENT, subject, detail=str(refusal)[:500])]
        case Ignored(reason, kind) if kind is not None:
            return [Attention(kind, subject, detail=reason)]
        case _:
            return []


def _closing(inbox_id: int, reading: Reading | Refused) -> Closing:
    match reading:
        case Refused() as refusal:
            return Closing(inbox_id, "dead", str(refusal)[:500])
        case Ignored(reason):
            return Closing(inbox_id, "ignored", reason)
        case tuple():
            return Closing(inbox_id, "done")
        case _:
            assert_never(reading)
