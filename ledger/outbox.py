"""What must happen outside, as rows: put with the act that wants it, leased, closed by its fence.

A claim is a committed lease. Whoever closes a row shows the fence of its lease, so a hand that was
late, because it slept or its machine did, changes nothing.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledger.store import Books

_LEASE = timedelta(seconds=60)
_LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to do outside: `effect` at `destination`, about `subject`, not before `due_at`.

    `key` names it for ever: the same key is one errand. `body` holds row ids and figures.
    """

    subject: str
    effect: str
    destination: str
    key: str
    body: Mapping[str, Any]
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Leased:
    """An errand in our hands until the lease ends; `fence` proves whose lease it is.

    `reason` is why the last try was put off; None at the first one.
    """

    id: int
    subject: str
    destination: str
    key: str
    body: Mapping[str, Any]
    fence: int
    attempts: int
    reason: str | None
    created_at: datetime


def put(books: Books, errand: Errand) -> None:
    """Writes the errand in the transaction that wants it; a key that is there already stays."""
    books.run(
        """
        INSERT INTO outbox (subject, effect, destination, key, body, due_at)
        VALUES (:subject, :effect, :destination, :key, CAST(:body AS jsonb), :due_at)
        ON CONFLICT ON CONSTRAINT outbox_key_once DO NOTHING
        """,
        subject=errand.subject,
        effect=errand.effect,
        destination=errand.destination,
        key=errand.key,
        body=json.dumps(errand.body),
        due_at=errand.due_at,
    )


def next_due(
    books: Books, effect: str, now: datetime, passed_over: Collection[int] = ()
) -> tuple[int, str] | None:
    """The id and subject of the next errand to claim; nothing is locked yet.

    Of one subject and destination only the oldest waiting errand is offered. One whose lease ran
    out is offered again: its effect must be one that may be repeated.
    """
    row = books.row(
        _Due,
        """
        SELECT o.id, o.subject FROM outbox o
        WHERE o.effect = :effect AND o.due_at <= :now
          AND o.id <> ALL (CAST(:passed_over AS bigint[]))
          AND (o.state = 'waiting' OR (o.state = 'claimed' AND o.lease_until < :now))
          AND NOT EXISTS (
              SELECT FROM outbox older
              WHERE (older.subject, older.effect, older.destination)
                  = (o.subject, o.effect, o.destination)
                AND older.id < o.id AND older.state IN ('waiting', 'claimed'))
        ORDER BY o.due_at, o.id LIMIT 1
        """,
        effect=effect,
        now=now,
        passed_over=list(passed_over),
    )
    return (row.id, row.subject) if row else None


def lease(books: Books, errand_id: int, now: datetime) -> Leased | None:
    """Takes the errand for 60 seconds from commit; None when another hand was faster.

    Also when that hand has put it off already: it is not due any more.
    """
    return books.row(
        Leased,
        """
        UPDATE outbox SET state = 'claimed', lease_until = CAST(:until AS timestamptz),
               fence = fence + 1, attempts = attempts + 1
        WHERE id = :id AND due_at <= :now
          AND (state = 'waiting' OR (state = 'claimed' AND lease_until < :now))
        RETURNING id, subject, destination, key, body, fence, attempts, reason, created_at
        """,
        id=errand_id,
        now=now,
        until=now + _LEASE,
    )


def is_followed(books: Books, errand_id: int, subject: str, effect: str) -> bool:
    """Whether a later errand of the same effect waits for the same subject."""
    return bool(
        books.value(
            "SELECT EXISTS (SELECT FROM outbox WHERE subject = :subject AND effect = :effect"
            " AND id > :id AND state = 'waiting')",
            id=errand_id,
            subject=subject,
            effect=effect,
        )
    )


def pause(leased: Leased) -> timedelta:
    """How long an errand rests after a try in vain: 10, 20, 40 … seconds, at most 15 minutes."""
    return min(timedelta(seconds=10 * 2 ** min(leased.attempts - 1, 10)), _LONGEST_PAUSE)


def finish(books: Books, leased: Leased) -> bool:
    """Closes the errand as done; False when the lease had passed to another hand."""
    return _close(books, leased.id, leased.fence, "done", None)


def fail(books: Books, leased: Leased, reason: str) -> bool:
    """Closes the errand as failed, for a person to see; False when the lease had passed on."""
    return _close(books, leased.id, leased.fence, "failed", reason)


def lose(books: Books, leased: Leased, reason: str) -> bool:
    """Closes the errand as unknown: perhaps it was done, and it is never repeated by itself.

    False when the lease had passed on.
    """
    return _close(books, leased.id, leased.fence, "unknown", reason)


def drop(books: Books, leased: Leased, reason: str) -> bool:
    """Closes the errand undone, as nobody wants it any more; False when the lease had passed on."""
    return _close(books, leased.id, leased.fence, "cancelled", reason)


def cancel(books: Books, errand_id: int, reason: str) -> None:
    """Closes an errand that is no longer wanted."""
    books.run(
        "UPDATE outbox SET state = 'cancelled', reason = :reason, closed_at = clock_timestamp()"
        " WHERE id = :id AND state IN ('waiting', 'claimed')",
        id=errand_id,
        reason=reason,
    )


def put_off(
    books: Books,
    leased: Leased,
    due_at: datetime,
    reason: str,
    body: Mapping[str, Any] | None = None,
) -> bool:
    """Gives the errand back for a later try; False when the lease had passed on.

    `body` takes the place of the old one; None leaves that as it is.
    """
    return (
        books.run(
            "UPDATE outbox SET state = 'waiting', due_at = :due_at, reason = :reason,"
            " body = coalesce(CAST(:body AS jsonb), body)"
            " WHERE id = :id AND fence = :fence AND state = 'claimed'",
            body=None if body is None else json.dumps(body),
            id=leased.id,
            fence=leased.fence,
            due_at=due_at,
            reason=reason[:500],
        )
        == 1
    )


@dataclass(frozen=True, slots=True)
class _Due:
    id: int
    subject: str


def _close(books: Books, errand_id: int, fence: int, state: str, reason: str | None) -> bool:
    return (
        books.run(
            "UPDATE outbox SET state = :state, reason = :reason, closed_at = clock_timestamp()"
            " WHERE id = :id AND fence = :fence AND state = 'claimed'",
            id=errand_id,
            fence=fence,
            state=state,
            reason=reason,
        )
        == 1
    )
