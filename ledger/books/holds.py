"""Holds: an invoice that money went back from is chased again only after a person's word."""

from datetime import date
from zoneinfo import ZoneInfo

from domain.attention import AttentionKind
from domain.errors import Refused
from ledger.books import attention, holdings, invoices, journal
from ledger.letters import reminders
from ledger.store import Books


def owed_again(
    books: Books, invoice_id: int, actor: str, reason: str, today: date, zone: ZoneInfo
) -> int:
    """Says that the invoice is owed although money went back; answers how many steps are planned.

    The word holds for what went back up to now: the next refund or chargeback holds the invoice
    again. Its reminders begin anew, counted from `today`, the seller's local day. Locks the
    payments, then the invoice. Refused when it is unknown, not open, or not held.
    """
    holdings.lock_invoice_and_payments(books, invoice_id)
    invoice = invoices.find(books, invoice_id)
    if invoice is None:
        raise Refused("unknown_invoice", "there is no such invoice")
    if not invoice.is_open:
        raise Refused("not_open", f"nothing is owed on invoice {invoice.number}")
    if not _say(books, invoice_id, actor, reason):
        raise Refused("not_held", f"no money went back from invoice {invoice.number} since")
    books.run(
        "UPDATE invoices SET reminder_cycle = reminder_cycle + 1, updated_at = now()"
        " WHERE id = :id",
        id=invoice_id,
    )
    reminders.cancel(books, [invoice_id])
    planned = reminders.plan_for(books, [invoice_id], zone, since=today)
    kinds = (AttentionKind.REFUNDED, AttentionKind.DISPUTED)
    attention.close(books, f"invoice:{invoice_id}", kinds, actor, "owed again")
    journal.record(books, journal.Act(actor, "owed_again", reason, after={"invoice": invoice_id}))
    return planned


def _say(books: Books, invoice_id: int, actor: str, reason: str) -> int:
    return books.run(
        """
        INSERT INTO hold_words AS w (invoice_id, payment_id, returned_minor, actor, reason)
        SELECT n.invoice_id, p.id, p.returned_minor, :actor, :reason
        FROM payments p JOIN intents n ON n.payment_id = p.id
        WHERE n.invoice_id = :id AND p.returned_minor > 0
        ON CONFLICT ON CONSTRAINT hold_words_pkey
        DO UPDATE SET returned_minor = excluded.returned_minor, actor = excluded.actor,
                      reason = excluded.reason, said_at = clock_timestamp()
        WHERE w.returned_minor < excluded.returned_minor
        """,
        id=invoice_id,
        actor=actor,
        reason=reason,
    )
