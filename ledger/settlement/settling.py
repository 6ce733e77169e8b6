"""Settles a batch: what the deliveries tell becomes facts, and the difference is posted.

The number of statements does not depend on the number of rows: everything is read by arrays and
written from arrays, and the fold between is pure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import assert_never
from zoneinfo import ZoneInfo

from domain import settlement
from domain.allocation import Intent
from domain.attention import Attention, AttentionKind
from domain.errors import Refused, TryLater
from domain.facts import (
    Approval,
    Ask,
    AttemptEnd,
    Flag,
    Ignored,
    Move,
    Reading,
    Report,
    Told,
    Trust,
)
from domain.money import Money
from domain.postings import Posting, PostingKind
from domain.settlement import KnownFact
from domain.trial import Changes, Extract
from ledger.books import attention, holdings, holds, journal, refunded
from ledger.books.journal import Act
from ledger.inbox.waiting import Closing
from ledger.letters import reminders
from ledger.links import closing
from ledger.settlement import attempts, following, meaning, merging, receiving, untold
from ledger.settlement.meaning import Named
from ledger.settlement.merging import Merged
from ledger.settlement.naming import Reference
from ledger.settlement.receiving import Received
from ledger.settlement.untold import Notice
from ledger.store import Books


@dataclass(frozen=True, slots=True)
class Settled:
    """What a batch did, as its log line tells it; `closings` are the fates of its inbox rows.

    `has_errands`: somebody waits for what it planned, so that it is done at once.
    """

    closings: tuple[Closing, ...]
    payments: int
    postings: int
    invoices: int
    has_errands: bool


def settle(books: Books, readings: Mapping[int, Reading | Refused], zone: ZoneInfo) -> Settled:
    """Books what the readings tell, each under its inbox row's id; the rows are claimed.

    Locks, in this order: main payment names, payments, invoices, each sorted. Safe to run again:
    what is already posted leaves no difference. The caller closes the inbox rows and commits.
    """
    told = {id_: reading for id_, reading in readings.items() if isinstance(reading, tuple)}
    done, merged = _Done(0, 0, 0), Merged({})
    noticed: list[Attention] = []
    if told:
        done, merged, shown = _book(books, told, zone)
        noticed += [*merged.attention, *shown]
        following.follow(books, told, merged)
    new = untold.new(
        books, [notice for id_, reading in told.items() for notice in _untold(id_, reading)]
    )
    noticed += [seen for id_, reading in readings.items() for seen in _notice(id_, reading, new)]
    attention.open_all(books, noticed)
    parked = {id_: _unknown(name) for id_, name in merged.parked.items()}
    parked |= {id_: _unproven(name) for id_, name in following.hints(told).items()}
    closings = tuple(
        Closing(id_, "parked", parked[id_]) if id_ in parked else _closing(id_, reading)
        for id_, reading in readings.items()
    )
    return Settled(closings, done.payments, done.postings, done.invoices, _has_errands(told))


def settle_found(books: Books, zone: ZoneInfo) -> int:
    """Books money that named its invoice before there was one; answers how many payments.

    Locks as `settle` does.
    """
    references = meaning.found_late(books)
    if not references:
        return 0
    merged = merging.known(books, references)
    changes, shown = _settle(books, merged, zone, _act(()), {})
    attention.open_all(books, shown)
    return len(changes.payments)


def settle_word(books: Books, inbox_id: int, report: Report, act: Act, zone: ZoneInfo) -> None:
    """Books what a person says that a gateway did, as `settle` would; the act is his.

    `inbox_id` is where his word is kept. Locks as `settle` does.
    """
    merged = merging.merge(books, {inbox_id: (report,)})
    _, shown = _settle(books, merged, zone, act, {})
    attention.open_all(books, [*merged.attention, *shown])


@dataclass(frozen=True, slots=True)
class _Done:
    payments: int
    postings: int
    invoices: int


def _book(
    books: Books, told: Mapping[int, Sequence[Told]], zone: ZoneInfo
) -> tuple[_Done, Merged, list[Attention]]:
    merged = merging.merge(books, {id_: _reports(reading) for id_, reading in told.items()})
    asked = attempts.note(books, merged)
    others = [each for reading in told.values() for each in reading if not isinstance(each, Report)]
    approved = [each for each in others if isinstance(each, Approval)]
    attempts.follow(books, approved, [each for each in others if isinstance(each, AttemptEnd)])
    settled = sorted(told.keys() - merged.parked.keys())
    changes, shown = _settle(books, merged, zone, _act(settled), asked)
    done = _Done(len(changes.payments), len(changes.postings), len(changes.invoices))
    return done, merged, shown


def _reports(reading: Sequence[Told]) -> list[Report]:
    return [each for each in reading if isinstance(each, Report)]


def _untold(inbox_id: int, reading: Sequence[Told]) -> list[Notice]:
    flags = _flags(reading)
    return [Notice(inbox_id, each.untold, each.at) for each in flags if each.untold is not None]


def _flags(reading: Sequence[Told]) -> list[Flag]:
    return [each for each in reading if isinstance(each, Flag)]


def _settle(
    books: Books,
    merged: Merged,
    zone: ZoneInfo,
    act: Act,
    asked: Mapping[Reference, Money],
) -> tuple[Changes, list[Attention]]:
    """Locks the payments, then the invoices they are meant for, and posts what is missing."""
    received = receiving.find(books, merged, zone)
    facts = {id_: merged.facts[reference] for reference, id_ in received.ids.items()}
    named = meaning.named(books, merged, received.ids)
    payment_ids = _lock(books, facts, received, named)
    ended = refunded.meet(books, {id_: facts[id_] for id_ in facts.keys() - received.new.keys()})
    refunded.note_told(books, received.ids, merged.ours)
    kept = holdings.extract(books, payment_ids, named.invoices)
    said = {*kept.intents, *(held.id for held in kept.payments if held.is_meaning_said)}
    meant = {id_: told for id_, told in named.intents.items() if id_ not in said}
    changes = settlement.settle(_completed(kept, received, meant), facts, zone)
    receiving.write(books, received.new.values(), changes.payments)
    meaning.write(books, meant)
    _write(books, changes, received, act)
    refunded.forget(books, ended, act.actor)
    differing = [_differing(received.ids[name], money) for name, money in asked.items()]
    return changes, [*named.attention, *differing, *refunded.seen(ended, kept, changes)]


def _lock(
    books: Books, facts: Mapping[int, Sequence[KnownFact]], received: Received, named: Named
) -> list[int]:
    """Locks what the fold touches; answers its payments, as far as they have a row.

    Where money went back, the others that are meant for the same invoices are locked and applied
    with them: what one payment lost, another one may have.
    """
    told = facts.keys() - received.new.keys()
    returned = {id_ for id_, known in facts.items() if _is_return(known)}
    sharing = partial(holdings.sharing, books, sorted(returned & told), named.invoices_of(returned))
    payment_ids = sorted(told.union(sharing() if returned else ()))
    holdings.lock_payments(books, payment_ids)
    holdings.lock_invoices_touched(books, payment_ids, named.invoices)
    # Asked of those that gave back again, never of all that were found: these have other invoices,
    # and whoever shares those is found at every try.
    if returned and sorted(told.union(sharing())) != payment_ids:
        raise TryLater(timedelta(milliseconds=50), "money for the same invoice came meanwhile")
    return payment_ids


def _is_return(known: Sequence[KnownFact]) -> bool:
    """Whether an invoice may be owed again: money went back, or an answer may tell of less."""
    return any(
        each.fact.key.move in (Move.OUT, Move.BACK) or each.fact.trust is Trust.LOOKUP
        for each in known
    )


def _completed(kept: Extract, received: Received, meant: Mapping[int, Sequence[Intent]]) -> Extract:
    """What the books hold, with the payments and intents that are about to be written."""
    new = [payment.holding for payment in received.new.values()]
    return replace(kept, payments=[*kept.payments, *new], intents={**kept.intents, **meant})


def _act(inbox_ids: Sequence[int]) -> Act:
    return Act(actor="worker", act="settle", after={"inbox": list(inbox_ids)})


def _write(books: Books, changes: Changes, received: Received, act: Act) -> None:
    if not changes.postings:
        return
    kept = [payment for payment in changes.payments if payment.id not in received.new]
    holdings.write_payments(books, kept)
    holdings.write_invoices(books, changes.invoices)
    closed = [invoice.id for invoice in changes.invoices if not invoice.is_open]
    reminders.cancel(books, closed)
    closing.plan(books, [invoice.id for invoice in changes.invoices])
    came_back = {each.payment_id for each in changes.postings if _is_undone_return(each)}
    released = [*closed, *(holds.lifted(books, came_back) if came_back else ())]
    held = [payment.id for payment in kept]
    attention.renew(books, held, changes.attention, released=released)
    journal.record(books, act, changes.postings)


def _is_undone_return(posting: Posting) -> bool:
    is_return = posting.kind in (PostingKind.REFUND, PostingKind.CHARGEBACK)
    return is_return and posting.reverses is not None


def _notice(inbox_id: int, reading: Reading | Refused, asked: Collection[int]) -> list[Attention]:
    subject = f"event:{inbox_id}"
    match reading:
        case Refused() as refusal:
            return [Attention(AttentionKind.DEAD_EVENT, subject, detail=str(refusal)[:500])]
        case Ignored(reason, kind) if kind is not None:
            return [Attention(kind, subject, detail=reason)]
        case tuple():
            doubts = [_doubt(subject, each) for each in _reports(reading) if each.doubt]
            flags = _flags(reading)
            new = [each for each in flags if each.untold is None or inbox_id in asked]
            return doubts + [Attention(each.kind, subject, detail=each.detail) for each in new]
        case _:
            return []


def _doubt(subject: str, report: Report) -> Attention:
    return Attention(
        AttentionKind.FACT_DISAGREES, subject, report.fact.money, (report.doubt or "")[:500]
    )


def _differing(payment_id: int, asked: Money) -> Attention:
    detail = f"{asked} was asked for, and another amount was paid"
    return Attention(AttentionKind.FACT_DISAGREES, f"payment:{payment_id}", asked, detail)


def _has_errands(told: Mapping[int, Sequence[Told]]) -> bool:
    return any(
        isinstance(each, Approval) or (isinstance(each, Ask) and each.is_hint)
        for reading in told.values()
        for each in reading
    )


def _unknown(waits_for: Reference) -> str:
    return f"nobody has told yet which payment {waits_for[2]} is"


def _unproven(name: str) -> str:
    return f"a hint alone: the gateway is asked about {name}"


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
