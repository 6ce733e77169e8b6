"""Reminders of overdue invoices: planned, cancelled with the money, turned into letters when due.

A reminder is a row with a due time, found by a scan and judged again under its invoice's lock, so
late, doubled or missed scans only move the moment a letter is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.reminders import STEPS_DAYS, due_at
from ledger import outbox, stops
from ledger.store import Books, columns

_MOST_INVOICES = 500

# An invoice that money went back from is held, whatever the order of the reports: a person decides
# whether it is owed again, and the word holds for what had gone back by then.
_IS_CHASED = """
    i.is_open AND c.reminder_policy = 'standard'
    AND NOT EXISTS (SELECT FROM intents n JOIN payments p ON p.id = n.payment_id
                    LEFT JOIN hold_words w ON (w.invoice_id, w.payment_id) = (i.id, p.id)
                    WHERE n.invoice_id = i.id AND p.returned_minor > coalesce(w.returned_minor, 0))
"""


@dataclass(frozen=True, slots=True)
class _Unplanned:
    invoice_id: int
    cycle: int
    due_on: date
    timezone: str | None


def plan(books: Books, zone: ZoneInfo) -> int:
    """Plans the steps of every open issued invoice that has none in its cycle; answers how many.

    At most 500 invoices at a time, passing over those in somebody's hands: the next sweep comes.
    """
    found = books.rows(
        _Id,
        f"""
        SELECT i.id FROM invoices i JOIN clients c ON c.id = i.client_id
        WHERE {_IS_CHASED} AND NOT EXISTS (
            SELECT FROM reminders r WHERE r.invoice_id = i.id AND r.cycle = i.reminder_cycle)
        ORDER BY i.id LIMIT :most
        FOR NO KEY UPDATE OF i SKIP LOCKED
        """,  # noqa: S608 - a constant, no input
        most=_MOST_INVOICES,
    )
    return plan_for(books, [row.id for row in found], zone)


def plan_for(
    books: Books, invoice_ids: Sequence[int], zone: ZoneInfo, since: date = date.min
) -> int:
    """Plans the steps of these invoices, whose locks are held, as far as they are still chased.

    Step days are local days of the client, else of the seller, whose zone is `zone`; they are
    counted from the due day, or from `since` where that is later.
    """
    unplanned = books.rows(
        _Unplanned,
        f"""
        SELECT i.id, i.reminder_cycle, i.due_on, c.timezone
        FROM invoices i JOIN clients c ON c.id = i.client_id
        WHERE {_IS_CHASED} AND i.id = ANY (CAST(:ids AS bigint[]))
        ORDER BY i.id
        """,  # noqa: S608 - a constant, no input
        ids=list(invoice_ids),
    )
    rows = [
        (
            *(each.invoice_id, step, each.cycle),
            due_at(max(each.due_on, since), step, _zone(each, zone)),
        )
        for each in unplanned
        for step in STEPS_DAYS
    ]
    if not rows:
        return 0
    return books.run(
        """
        INSERT INTO reminders (invoice_id, step_days, cycle, due_at)
        SELECT * FROM unnest(CAST(:invoices AS bigint[]), CAST(:steps AS smallint[]),
                             CAST(:cycles AS integer[]), CAST(:instants AS timestamptz[]))
        ON CONFLICT ON CONSTRAINT reminders_once DO NOTHING
        """,
        **columns(rows, ("invoices", "steps", "cycles", "instants")),
    )


def begin_anew(books: Books, invoice_id: int, zone: ZoneInfo, today: date) -> int:
    """Begins the invoice's next cycle, with steps counted from `today`; hold its lock.

    Answers how many steps are planned: none while money that went back holds it.
    """
    books.run(
        "UPDATE invoices SET reminder_cycle = reminder_cycle + 1, updated_at = now()"
        " WHERE id = :id",
        id=invoice_id,
    )
    cancel(books, [invoice_id])
    return plan_for(books, [invoice_id], zone, since=today)


def cancel(books: Books, invoice_ids: Sequence[int]) -> int:
    """Cancels what is planned for invoices that are no longer owed; hold their locks."""
    if not invoice_ids:
        return 0
    return books.run(
        "UPDATE reminders SET state = 'cancelled', closed_at = clock_timestamp()"
        " WHERE invoice_id = ANY (CAST(:ids AS bigint[])) AND state = 'planned'",
        ids=list(invoice_ids),
    )


def due_invoices(books: Books, now: datetime) -> list[int]:
    """Invoices with a planned step whose time has come; at most 500, oldest first."""
    rows = books.rows(
        _Id,
        "SELECT invoice_id FROM reminders WHERE state = 'planned' AND due_at <= :now"
        " GROUP BY invoice_id ORDER BY min(due_at), invoice_id LIMIT :most",
        now=now,
        most=_MOST_INVOICES,
    )
    return [row.id for row in rows]


def write(books: Books, invoice_id: int, now: datetime) -> bool:
    """Writes the letter of an invoice's latest due step to the outbox; answers whether it did.

    Not while letters are stopped. Locks the invoice, then judges again: money that came since
    cancels instead. When several steps came due while nobody looked, only the latest is written and
    the others are skipped.
    """
    if stops.are_letters_stopped(books):
        return False
    books.run("SELECT FROM invoices WHERE id = :id FOR NO KEY UPDATE", id=invoice_id)
    if not is_chased(books, invoice_id):
        cancel(books, [invoice_id])
        return False
    if has_money_waiting(books, invoice_id):
        return False
    due = books.rows(
        _Step,
        "SELECT id, step_days, cycle FROM reminders WHERE invoice_id = :id AND state = 'planned'"
        " AND due_at <= :now ORDER BY step_days DESC",
        id=invoice_id,
        now=now,
    )
    if not due:
        return False
    latest, *missed = due
    _close(books, [latest.id], "written")
    _close(books, [step.id for step in missed], "skipped")
    outbox.put(
        books,
        outbox.Errand(
            subject=f"invoice:{invoice_id}",
            effect="letter",
            destination="client",
            key=f"reminder:{invoice_id}:{latest.step_days}:{latest.cycle}",
            body={"invoice": invoice_id, "step_days": latest.step_days},
            due_at=now,
        ),
    )
    return True


def is_chased(books: Books, invoice_id: int) -> bool:
    """Whether the invoice is owed and its client gets reminders; true only under its lock."""
    found = books.value(
        "SELECT i.id FROM invoices i JOIN clients c ON c.id = i.client_id"  # noqa: S608 - constant
        f" WHERE i.id = :id AND {_IS_CHASED}",
        id=invoice_id,
    )
    return found is not None


def has_money_waiting(books: Books, invoice_id: int) -> bool:
    """Whether money that may be for the invoice lies here unapplied.

    Money meant for it, as one in another currency; or its client's credit in its currency that is
    meant for nothing. Nobody whose money is here is chased: a person decides first.
    """
    return bool(
        books.value(
            """
            SELECT EXISTS (SELECT FROM payments p JOIN intents n ON n.payment_id = p.id
                           WHERE n.invoice_id = :id
                             AND p.unapplied_minor + p.unidentified_minor > 0)
                OR EXISTS (SELECT FROM invoices i
                           JOIN payments p ON (p.client_id, p.currency) = (i.client_id, i.currency)
                           WHERE i.id = :id AND p.unapplied_minor > 0
                             AND NOT EXISTS (SELECT FROM intents n WHERE n.payment_id = p.id))
            """,
            id=invoice_id,
        )
    )


@dataclass(frozen=True, slots=True)
class _Id:
    id: int


@dataclass(frozen=True, slots=True)
class _Step:
    id: int
    step_days: int
    cycle: int


def _close(books: Books, ids: list[int], state: str) -> None:
    if ids:
        books.run(
            "UPDATE reminders SET state = :state, closed_at = clock_timestamp()"
            " WHERE id = ANY (CAST(:ids AS bigint[]))",
            state=state,
            ids=ids,
        )


def _zone(unplanned: _Unplanned, default: ZoneInfo) -> ZoneInfo:
    """The client's zone; the seller's where it has none, or one this machine does not know."""
    try:
        return ZoneInfo(unplanned.timezone) if unplanned.timezone else default
    except (ZoneInfoNotFoundError, ValueError):
        return default
