"""Captures: orders that a customer agreed to, whose money is taken by an errand.

What nobody owes any more when its turn comes is not taken at all; where a try was made before, the
gateway is asked whether it took the money then. The gateway knows each order by one request id, and
forgets it after six hours: so long the errand is repeated, and takes the money once. After that the
gateway is only asked, and what it does not tell is for a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.attention import Attention, AttentionKind
from domain.facts import Approval
from domain.links import AttemptState
from ledger import outbox, stops
from ledger.books import attention
from ledger.inbox import answers
from ledger.outbox import Leased
from ledger.store import Books, columns

EFFECT = "capture"
# developer.paypal.com/reference/guidelines/idempotency, read 2026-11-20: 6 hours; less an answer.
_REPEATABLE = timedelta(hours=6) - timedelta(minutes=10)
PATIENCE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Capture:
    """A leased capture: whose order, and which; `is_repeatable` while its request id is known.

    `is_wanted`: it is still owed and meant to be paid there. `is_first`: nobody can have taken it.
    """

    leased: Leased
    gateway: str
    account: str
    order: str
    is_repeatable: bool
    is_wanted: bool
    is_first: bool


def plan(books: Books, approved: Iterable[Approval]) -> None:
    """Plans one capture of each order, at once.

    One that waits is enough. One that is under way is taken back: it may be about to end because
    the customer had not agreed. Locks the errands by order.
    """
    rows = sorted({(each.gateway, each.account, each.order) for each in approved})
    books.run(
        """
        INSERT INTO outbox AS o (subject, effect, destination, key, body, due_at)
        SELECT 'order:' || told.name, 'capture', told.gateway || ':' || told.account,
               'capture:' || gen_random_uuid(), '{}', clock_timestamp()
        FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]), CAST(:orders AS text[]))
             AS told (gateway, account, name)
        ON CONFLICT (effect, subject, destination)
            WHERE effect = 'capture' AND state IN ('waiting', 'claimed')
        DO UPDATE SET due_at = least(o.due_at, excluded.due_at), state = 'waiting',
                      fence = o.fence + 1
        """,
        **columns(rows, ("gateways", "accounts", "orders")),
    )


def claim(books: Books, now: datetime) -> Capture | None:
    """Leases the next due capture; None when there is none, or settling is stopped.

    Commit before you call. Locks the errand.
    """
    if stops.is_settling_stopped(books):
        return None
    due = outbox.next_due(books, EFFECT, now)
    leased = outbox.lease(books, due[0], now) if due else None
    if leased is None:
        return None
    gateway, _, account = leased.destination.partition(":")
    order = leased.subject.removeprefix("order:")
    return Capture(
        leased,
        gateway,
        account,
        order,
        is_repeatable=now - leased.created_at < _REPEATABLE,
        is_wanted=not _is_over(books, gateway, account, order),
        is_first=leased.attempts == 1,
    )


def keep(books: Books, capture: Capture, answer: bytes, sha256: bytes) -> int | None:
    """Keeps what the gateway made of the order as an event of its own, and closes the errand.

    Its number; None when there is nothing new in it, or the lease has passed on and nothing is
    written.
    """
    if not outbox.finish(books, capture.leased):
        return None
    name = capture.leased.subject
    kept = answers.keep(books, capture.gateway, capture.account, name, answer, sha256)
    attention.close(books, name, [AttentionKind.CAPTURE_FAILED], "worker", "captured")
    return kept.inbox_id if kept.is_new else None


def put_off(books: Books, capture: Capture, reason: str, now: datetime) -> bool:
    """Gives the capture back for a later try; False when the lease had passed on.

    10, 20, 40 … seconds, then every quarter of an hour; unknown after PATIENCE.
    """
    if now - capture.leased.created_at > PATIENCE:
        return lose(books, capture, f"asked for {PATIENCE.days} days: {reason}")
    return outbox.put_off(books, capture.leased, now + outbox.pause(capture.leased), reason)


def wait(books: Books, capture: Capture, reason: str, now: datetime) -> bool:
    """As `put_off`, and the customer, who has not agreed yet, may pay in any way.

    Dropped where nobody owes it any more.
    """
    if _is_over(books, capture.gateway, capture.account, capture.order):
        return drop(books, capture)
    _lock(books, capture)
    is_ours = put_off(books, capture, reason, now)
    if is_ours:
        _move(books, capture, AttemptState.OPEN)
    return is_ours


def refuse(books: Books, capture: Capture, reason: str, now: datetime) -> bool:
    """As `put_off`, and a person is told at once: only his help makes a later try better."""
    is_ours = put_off(books, capture, reason, now)
    if is_ours:
        _show(books, capture, reason)
    return is_ours


def drop(books: Books, capture: Capture) -> bool:
    """Closes a capture that nobody wants any more and the gateway has not made."""
    _lock(books, capture)
    is_ours = outbox.drop(books, capture.leased, "paid in another way, or no longer owed")
    if is_ours:
        _move(books, capture, AttemptState.EXPIRED)
    return is_ours


def decline(books: Books, capture: Capture, reason: str) -> bool:
    """Closes the capture: the gateway took nothing, and the customer, who saw it, may try again."""
    _lock(books, capture)
    is_ours = outbox.fail(books, capture.leased, reason[:500])
    if is_ours:
        _move(books, capture, AttemptState.FAILED)
    return is_ours


def fail(books: Books, capture: Capture, reason: str) -> bool:
    """Closes the capture, of which the gateway will take nothing; a person is told."""
    is_ours = decline(books, capture, reason)
    if is_ours:
        _show(books, capture, reason)
    return is_ours


def lose(books: Books, capture: Capture, reason: str) -> bool:
    """Closes the capture of which nobody can say whether it was made; a person is told."""
    is_ours = outbox.lose(books, capture.leased, reason[:500])
    if is_ours:
        _show(books, capture, reason)
    return is_ours


def let_go(books: Books, attention_id: int) -> None:
    """A person has looked at an order that was not captured, or perhaps: it may be paid again.

    Of one that is still tried nothing changes. Locks the attempt.
    """
    books.run(
        """
        UPDATE attempts a SET state = 'failed', updated_at = now()
        FROM attention t
        WHERE t.id = :id AND t.kind = 'capture_failed' AND t.subject = 'order:' || a.session
          AND a.state = 'pending'
          AND NOT EXISTS (SELECT FROM outbox o WHERE o.effect = 'capture'
                          AND o.subject = t.subject AND o.state IN ('waiting', 'claimed'))
        """,
        id=attention_id,
    )


def _is_over(books: Books, gateway: str, account: str, order: str) -> bool:
    """Whether the attempt has been ended, or none of its invoices is open any more.

    An order of no attempt of ours is not.
    """
    return bool(
        books.value(
            """
            SELECT EXISTS (
                SELECT FROM attempts a
                WHERE (a.gateway, a.account, a.session) = (:gateway, :account, :order)
                  AND a.state <> 'succeeded'
                  AND (a.state IN ('expired', 'cancelled') OR NOT EXISTS (
                      SELECT FROM attempt_invoices n JOIN invoices i ON i.id = n.invoice_id
                      WHERE n.attempt_id = a.id AND i.is_open)))
            """,
            gateway=gateway,
            account=account,
            order=order,
        )
    )


def _lock(books: Books, capture: Capture) -> None:
    """The attempt before its errand, as whoever settles an approval."""
    books.run(
        "SELECT FROM attempts WHERE (gateway, account, session) = (:gateway, :account, :order)"
        " FOR NO KEY UPDATE",
        gateway=capture.gateway,
        account=capture.account,
        order=capture.order,
    )


def _move(books: Books, capture: Capture, state: AttemptState) -> None:
    books.run(
        "UPDATE attempts SET state = :state, updated_at = now()"
        " WHERE (gateway, account, session) = (:gateway, :account, :order)"
        " AND state IN ('open', 'pending')",
        state=state.value,
        gateway=capture.gateway,
        account=capture.account,
        order=capture.order,
    )


def _show(books: Books, capture: Capture, reason: str) -> None:
    subject = capture.leased.subject
    attention.open_all(
        books, [Attention(AttentionKind.CAPTURE_FAILED, subject, None, reason[:500])]
    )
