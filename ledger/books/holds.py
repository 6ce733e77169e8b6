"""Holds: an invoice that money went back from is chased again only after a person's word."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from domain.attention import Attention, AttentionKind
from domain.errors import Refused
from domain.invoices import Standing
from domain.money import Money
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
    if not say(books, invoice_id, actor, reason):
        raise Refused("not_held", f"no money went back from invoice {invoice.number} since")
    planned = reminders.begin_anew(books, invoice_id, zone, today)
    kinds = (AttentionKind.REFUNDED, AttentionKind.DISPUTED)
    attention.close(books, f"invoice:{invoice_id}", kinds, actor, "owed again")
    journal.record(books, journal.Act(actor, "owed_again", reason, after={"invoice": invoice_id}))
    return planned


def show(books: Books, invoice: Standing) -> None:
    """Opens attention where an open invoice is held; a person sees why nobody is chased."""
    is_dispute = books.value(
        """
        SELECT bool_or(EXISTS (SELECT FROM postings c LEFT JOIN postings r ON r.reverses = c.id
                               WHERE c.payment_id = p.id AND c.kind = 'chargeback'
                                 AND c.reverses IS NULL
                               GROUP BY c.id
                               HAVING c.amount_minor > coalesce(sum(r.amount_minor), 0)))
        FROM payments p JOIN intents n ON n.payment_id = p.id
        LEFT JOIN hold_words w ON (w.invoice_id, w.payment_id) = (n.invoice_id, p.id)
        WHERE n.invoice_id = :id AND p.returned_minor > coalesce(w.returned_minor, 0)
        """,
        id=invoice.id,
    )
    if is_dispute is None:
        return
    kind = AttentionKind.DISPUTED if is_dispute else AttentionKind.REFUNDED
    money = Money(invoice.currency, invoice.open_minor)
    attention.open_all(books, [Attention(kind, f"invoice:{invoice.id}", money)])


def lifted(books: Books, payment_ids: Collection[int | None]) -> list[int]:
    """Of the invoices that these payments are meant for those that no money holds any more."""
    rows = books.rows(
        _Id,
        """
        SELECT DISTINCT n.invoice_id FROM intents n
        WHERE n.payment_id = ANY (CAST(:ids AS bigint[]))
          AND NOT EXISTS (
              SELECT FROM intents m JOIN payments p ON p.id = m.payment_id
              LEFT JOIN hold_words w ON (w.invoice_id, w.payment_id) = (m.invoice_id, p.id)
              WHERE m.invoice_id = n.invoice_id
                AND p.returned_minor > coalesce(w.returned_minor, 0))
        ORDER BY n.invoice_id
        """,
        ids=list(payment_ids),
    )
    return [row.id for row in rows]


def say(
    books: Books, invoice_id: int, actor: str, reason: str, payment_id: int | None = None
) -> int:
    """Notes that what went back so far holds the invoice no longer; answers of how many payments.

    Of one payment, or of all that are meant for the invoice. Hold their locks.
    """
    return books.run(
        """
        INSERT INTO hold_words AS w (invoice_id, payment_id, returned_minor, actor, reason)
        SELECT n.invoice_id, p.id, p.returned_minor, :actor, :reason
        FROM payments p JOIN intents n ON n.payment_id = p.id
        WHERE n.invoice_id = :id AND p.returned_minor > 0
          AND (CAST(:payment AS bigint) IS NULL OR p.id = :payment)
        ON CONFLICT ON CONSTRAINT hold_words_pkey
        DO UPDATE SET returned_minor = excluded.returned_minor, actor = excluded.actor,
                      reason = excluded.reason, said_at = clock_timestamp()
        WHERE w.returned_minor < excluded.returned_minor
        """,
        id=invoice_id,
        payment=payment_id,
        actor=actor,
        reason=reason,
    )


@dataclass(frozen=True, slots=True)
class _Id:
    id: int
