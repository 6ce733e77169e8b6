"""Sessions that nobody should pay in any more: an errand each, which may be repeated.

An errand is planned by whatever closed the invoice, in its transaction. The gateway's session may
be about to open just then, so the errand waits for it as long as the attempt could be paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger import outbox
from ledger.outbox import Leased
from ledger.store import Books

EFFECT = "expire"

_PUT = """
    INSERT INTO outbox (subject, effect, destination, key, body, due_at)
    SELECT 'attempt:' || a.id, 'expire', a.gateway || ':' || a.account, 'expire:' || a.id, '{{}}',
           clock_timestamp()
    FROM attempts a WHERE {whose} ORDER BY 'expire:' || a.id
    ON CONFLICT ON CONSTRAINT outbox_key_once DO NOTHING
"""
# One of its invoices is closed, or it asks for more than is still owed of them.
_PUT_FOR_INVOICES = _PUT.format(
    whose="""
    a.state IN ('open', 'pending', 'failed')
    AND a.id IN (SELECT attempt_id FROM attempt_invoices
                 WHERE invoice_id = ANY (CAST(:ids AS bigint[])))
    AND a.amount_minor > (
        SELECT CASE WHEN bool_and(i.is_open) THEN sum(
                   i.total_minor - i.paid_minor - i.credited_minor - i.written_off_minor
                   - i.settled_before_minor) ELSE 0 END
        FROM attempt_invoices n JOIN invoices i ON i.id = n.invoice_id WHERE n.attempt_id = a.id)
    """
)
_PUT_FOR_LINK = _PUT.format(whose="a.state IN ('open', 'failed') AND a.link_id = :link")
_PUT_FOR_ATTEMPTS = _PUT.format(whose="a.id = ANY (CAST(:ids AS bigint[]))")


@dataclass(frozen=True, slots=True)
class Closing:
    """A leased errand; `session` is None while nobody has stored it."""

    leased: Leased
    attempt_id: int
    gateway: str
    account: str
    session: str | None
    expires_at: datetime


def plan(books: Books, invoice_ids: Sequence[int]) -> None:
    """Plans to close the sessions that ask for more than is owed of these invoices, which changed.

    Hold the invoices' locks: an attempt that begins later finds them as they are now. No statement
    where there is no invoice.
    """
    if not invoice_ids:
        return
    books.run(_PUT_FOR_INVOICES, ids=list(invoice_ids))


def plan_for_link(books: Books, link_id: int) -> None:
    """Plans to close every open session of a link that was taken back. Hold the link's lock."""
    books.run(_PUT_FOR_LINK, link=link_id)


def plan_for_attempts(books: Books, attempt_ids: Sequence[int]) -> None:
    """Plans to close the sessions of attempts that another one takes the place of."""
    books.run(_PUT_FOR_ATTEMPTS, ids=list(attempt_ids))


def claim(books: Books, now: datetime) -> Closing | None:
    """Leases the next due errand; None when none is due. Commit before you ask the gateway."""
    due = outbox.next_due(books, EFFECT, now)
    leased = outbox.lease(books, due[0], now) if due else None
    if leased is None:
        return None
    attempt_id = int(leased.subject.removeprefix("attempt:"))
    row = books.row(
        _AttemptRow,
        "SELECT gateway, account, session, expires_at FROM attempts WHERE id = :id",
        id=attempt_id,
    )
    assert row is not None, "an attempt stays"
    return Closing(leased, attempt_id, row.gateway, row.account, row.session, row.expires_at)


def finish(books: Books, closing: Closing) -> None:
    """Closes the errand, and the attempt unless money has come or is coming of it.

    Locks the attempt, then the errand.
    """
    _end(books, closing.attempt_id)
    outbox.finish(books, closing.leased)


def let_lapse(books: Books, closing: Closing, reason: str) -> None:
    """Ends the attempt for us, where its gateway closes no session: it ends by itself in time.

    Locks the attempt, then the errand.
    """
    _end(books, closing.attempt_id)
    outbox.cancel(books, closing.leased.id, reason)


def _end(books: Books, attempt_id: int) -> None:
    books.run(
        "UPDATE attempts SET state = 'expired', updated_at = now()"
        " WHERE id = :id AND state IN ('open', 'failed')",
        id=attempt_id,
    )


@dataclass(frozen=True, slots=True)
class _AttemptRow:
    gateway: str
    account: str
    session: str | None
    expires_at: datetime
