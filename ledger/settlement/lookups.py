"""Lookups: payments that a gateway is asked about, because reports alone do not tell enough.

A lookup is an errand that may be repeated: the gateway only answers, and the same answer is one row
of the inbox. It goes on, with longer and longer pauses, until nothing is left to ask, for three
days; then a person is told. It is judged anew at every claim, so a report that comes by itself
meanwhile saves the call.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.attention import Attention, AttentionKind
from ledger import outbox, stops
from ledger.books import attention
from ledger.inbox import answers, parking
from ledger.outbox import Leased
from ledger.settlement.naming import Reference
from ledger.store import Books, columns

EFFECT = "lookup"
PATIENCE = timedelta(days=3)
_GRACE_SECONDS = 30
_LONGEST_PAUSE = timedelta(hours=6)
_ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Question:
    """Why a payment is asked about, under one of its names.

    `what` is answered by any answer, or by a report that says it meanwhile: `refunded RON 2000`,
    `fee txn_1`, or another word that only an answer settles. None: the books themselves show
    whether something is missing, that is money that came, or the meaning of a name. `is_urgent`:
    nothing will tell it by itself.
    """

    reference: Reference
    what: str | None
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """A leased lookup: whom to ask, and for which name."""

    leased: Leased
    gateway: str
    account: str
    name: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A lookup that is no longer wanted, was given up, or that another hand has."""

    errand_id: int


def plan(books: Books, questions: Iterable[Question]) -> None:
    """Plans one lookup for each name, half a minute from now; what may tell it is on its way.

    An urgent one is due at once.
    A lookup that waits takes the question in. One that is under way is taken back: what the gateway
    answers just now may be older than the question. Locks the errands by name.
    """
    bodies: dict[Reference, dict[str, bool]] = defaultdict(dict)
    urgent: set[Reference] = set()
    for each in questions:
        bodies[each.reference].update({each.what: True} if each.what else {})
        urgent |= {each.reference} if each.is_urgent else set()
    rows = [
        (*reference, json.dumps(body), 0 if reference in urgent else _GRACE_SECONDS)
        for reference, body in sorted(bodies.items())
    ]
    books.run(
        """
        INSERT INTO outbox AS o (subject, effect, destination, key, body, due_at)
        SELECT 'name:' || told.name, 'lookup', told.gateway || ':' || told.account,
               'lookup:' || gen_random_uuid(), CAST(told.body AS jsonb),
               clock_timestamp() + told.wait_seconds * interval '1 second'
        FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]), CAST(:names AS text[]),
                    CAST(:bodies AS text[]), CAST(:waits AS integer[]))
             AS told (gateway, account, name, body, wait_seconds)
        ON CONFLICT (effect, subject, destination)
            WHERE effect = 'lookup' AND state IN ('waiting', 'claimed')
        DO UPDATE SET body = o.body || excluded.body, due_at = least(o.due_at, excluded.due_at),
                      state = 'waiting', fence = o.fence + 1
        """,
        **columns(rows, ("gateways", "accounts", "names", "bodies", "waits")),
    )


def meet(books: Books, names: Sequence[Reference]) -> None:
    """Closes the lookups of payments that need none any more, and what was shown about them.

    One that an event is parked for goes on until its claim has woken the event.
    """
    rows = [(f"name:{name}", f"{gateway}:{account}") for gateway, account, name in names]
    books.run(
        """
        UPDATE outbox o SET state = CASE o.reason WHEN 'answered' THEN 'done' ELSE 'cancelled' END,
               reason = coalesce(o.reason, 'told by itself'), closed_at = clock_timestamp()
        FROM unnest(CAST(:subjects AS text[]), CAST(:destinations AS text[]))
             AS told (subject, destination)
        WHERE (o.subject, o.destination) = (told.subject, told.destination)
          AND o.effect = 'lookup' AND o.state IN ('waiting', 'claimed') AND o.body = '{}'
          AND NOT EXISTS (SELECT FROM inbox i WHERE i.state = 'parked'
                          AND ('name:' || i.waits_for, i.gateway || ':' || i.account)
                            = (told.subject, told.destination))
        """,
        **columns(rows, ("subjects", "destinations")),
    )
    books.run(
        """
        UPDATE attention SET resolved_at = clock_timestamp(), resolver = 'worker', how = 'told'
        WHERE kind = 'lookup_failed' AND resolved_at IS NULL
          AND subject = ANY (CAST(:subjects AS text[]))
        """,
        subjects=[subject for subject, _ in rows],
    )


def claim(books: Books, now: datetime) -> Lookup | Closed | None:
    """Leases the next due lookup, if there is still something to ask; None when none is due.

    None too while settling is stopped: nobody would read the answer. Commit before you ask. Locks
    the errand, then rows that it finds parked without a reason.
    """
    if stops.is_settling_stopped(books):
        return None
    due = outbox.next_due(books, EFFECT, now)
    leased = outbox.lease(books, due[0], now) if due else None
    if due is None or leased is None:
        return Closed(due[0]) if due else None
    parking.wake(books)
    parking.release(books)
    lookup = _lookup(leased)
    if not _is_wanted(books, lookup):
        if leased.reason == _ANSWERED:
            outbox.finish(books, leased)
            attention.close(books, leased.subject, [AttentionKind.LOOKUP_FAILED], "worker", "told")
        else:
            outbox.cancel(books, leased.id, "told by itself")
        return Closed(leased.id)
    if leased.attempts > 1 and now - leased.created_at > PATIENCE:
        give_up(books, lookup)
        return Closed(leased.id)
    return lookup


def keep(books: Books, lookup: Lookup, answer: bytes, sha256: bytes, now: datetime) -> int | None:
    """Keeps an answer as an event of its own; its number, None when there is nothing new in it.

    None, too, and nothing is written, when the lease has passed on. The lookup stays: settling the
    answer closes it, and if that does not tell enough it is repeated. The hints that waited for
    this answer are done when it is settled, which it may be already.
    """
    due_at = now + _pause(lookup)
    if not outbox.put_off(books, lookup.leased, due_at, _ANSWERED, body={}):
        return None
    kept = answers.keep(books, lookup.gateway, lookup.account, lookup.name, answer, sha256)
    parking.answer(books, lookup.gateway, lookup.account, lookup.name, kept.inbox_id)
    parking.release(books)
    return kept.inbox_id if kept.is_new else None


def put_off(books: Books, lookup: Lookup, reason: str, now: datetime) -> bool:
    """Gives the lookup back for a later try; False when the lease had passed on."""
    return outbox.put_off(books, lookup.leased, now + _pause(lookup), reason)


def refuse(books: Books, lookup: Lookup, reason: str, now: datetime) -> bool:
    """As `put_off`, and a person is told at once: only his help makes a later try better."""
    is_ours = put_off(books, lookup, reason, now)
    if is_ours:
        _show(books, lookup, reason)
    return is_ours


def give_up(books: Books, lookup: Lookup) -> None:
    """Closes the lookup as failed, and a person is told."""
    reason = f"asked {lookup.leased.attempts - 1} times in {PATIENCE.days} days"
    reason += f": {lookup.leased.reason}" if lookup.leased.reason else ""
    if outbox.fail(books, lookup.leased, reason):
        _show(books, lookup, reason)


def let_go(books: Books, attention_id: int, how: str) -> None:
    """Ends the asking that was shown under this number of attention, by a person's word."""
    subject = books.value(
        "SELECT subject FROM attention WHERE id = :id AND kind = 'lookup_failed'", id=attention_id
    )
    if subject is None:
        return
    books.run(
        "UPDATE outbox SET state = 'cancelled', reason = :how, closed_at = clock_timestamp()"
        " WHERE subject = :subject AND effect = 'lookup' AND state IN ('waiting', 'claimed')",
        subject=subject,
        how=how,
    )
    parking.let_go(books, str(subject).removeprefix("name:"), how)


def _lookup(leased: Leased) -> Lookup:
    gateway, _, account = leased.destination.partition(":")
    return Lookup(leased, gateway, account, leased.subject.removeprefix("name:"))


def _pause(lookup: Lookup) -> timedelta:
    """1, 2, 4 … minutes, then every 6 hours."""
    return min(timedelta(minutes=2 ** min(lookup.leased.attempts - 1, 10)), _LONGEST_PAUSE)


def _show(books: Books, lookup: Lookup, reason: str) -> None:
    attention.open_all(
        books, [Attention(AttentionKind.LOOKUP_FAILED, lookup.leased.subject, None, reason[:500])]
    )


def _is_wanted(books: Books, lookup: Lookup) -> bool:
    """Whether something is left to ask: see `Question`."""
    return bool(
        books.value(
            _IS_WANTED,
            gateway=lookup.gateway,
            account=lookup.account,
            name=lookup.name,
            questions=_questions(lookup.leased.body),
        )
    )


def _questions(body: Mapping[str, Any]) -> list[str]:
    return sorted(body)


_IS_WANTED = """
WITH known AS (
    SELECT f.move, f.item, f.status, f.class, f.currency, f.amount_minor FROM facts f
    WHERE (f.gateway, f.account, f.reference) = (:gateway, :account, coalesce(
        (SELECT n.reference FROM payment_names n
         WHERE (n.gateway, n.account, n.name) = (:gateway, :account, :name)), :name)))
SELECT EXISTS (SELECT FROM inbox WHERE state = 'parked'
               AND (gateway, account, waits_for) = (:gateway, :account, :name))
    OR (EXISTS (SELECT FROM known WHERE move IN ('out', 'back'))
        AND NOT EXISTS (SELECT FROM known WHERE move = 'in' AND status = 'succeeded'))
    OR EXISTS (
        SELECT FROM (SELECT string_to_array(what, ' ') AS word
                     FROM unnest(CAST(:questions AS text[])) AS what) AS question
        WHERE CASE word[1]
              WHEN 'refunded' THEN CAST(word[3] AS bigint) > (
                  SELECT coalesce(sum(amount_minor), 0) FROM known
                  WHERE move = 'out' AND class = 'refund' AND status <> 'failed'
                    AND currency = word[2])
              WHEN 'fee' THEN NOT EXISTS (
                  SELECT FROM known WHERE move IN ('fee', 'rebate') AND item = word[2])
              ELSE true END)
"""
