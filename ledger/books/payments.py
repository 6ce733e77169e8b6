"""Payments as they are found and listed."""

from dataclasses import dataclass
from datetime import date, datetime

from ledger.store import Books

_COLUMNS = """
    p.id, p.client_id, p.state, p.gateway, p.gateway_reference, p.currency, p.amount_minor,
    p.unapplied_minor, p.unidentified_minor, p.method, p.paid_on, p.reference, p.notes,
    p.is_reconciled, p.created_at, p.updated_at
"""


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment; amounts in minor units of `currency`, `paid_on` a local day, instants in UTC.

    `unapplied_minor` waits on the payment, `unidentified_minor` until its client is known.
    """

    id: int
    client_id: int | None
    state: str
    gateway: str | None
    gateway_reference: str | None
    currency: str
    amount_minor: int
    unapplied_minor: int
    unidentified_minor: int
    method: str
    paid_on: date
    reference: str | None
    notes: str | None
    is_reconciled: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AppliedRow:
    """How much of a payment is applied to an invoice, in minor units of the payment's currency."""

    payment_id: int
    invoice_id: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class MeantRow:
    """The invoice a payment is meant for."""

    payment_id: int
    invoice_id: int


def find(books: Books, payment_id: int) -> PaymentRow | None:
    """The payment, or None. Locks nothing."""
    return books.row(
        PaymentRow,
        f"SELECT {_COLUMNS} FROM payments p WHERE p.id = :id",  # noqa: S608 - a constant
        id=payment_id,
    )


def find_by_reference(books: Books, gateway: str, reference: str) -> PaymentRow | None:
    """The payment a gateway knows by this main name, or None."""
    return books.row(
        PaymentRow,
        f"SELECT {_COLUMNS} FROM payments p"  # noqa: S608 - a constant
        " WHERE p.gateway = :gateway AND p.gateway_reference = :reference",
        gateway=gateway,
        reference=reference,
    )


def find_by_name(books: Books, reference: str) -> PaymentRow | None:
    """The payment that some gateway knows by this main name, or None; of several the latest."""
    found = books.rows(
        PaymentRow,
        f"SELECT {_COLUMNS} FROM payments p"  # noqa: S608 - a constant
        " WHERE p.gateway_reference = :reference ORDER BY p.id DESC LIMIT 1",
        reference=reference,
    )
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which payments are asked for; None: all.

    A payment is an invoice's when it is meant for it or applied to it; it is unapplied while some
    of it is applied to nothing.
    """

    invoice_id: int | None = None
    client_id: int | None = None
    state: str | None = None
    is_unapplied: bool = False


def newest(books: Books) -> int:
    """The row number of the latest payment, 0 before the first."""
    return int(books.value("SELECT coalesce(max(id), 0) FROM payments"))


def page(books: Books, wanted: Wanted, *, after: int, most: int) -> list[PaymentRow]:
    """Payments with a row number above `after`, in that order, as far as they are wanted."""
    return books.rows(
        PaymentRow,
        f"""
        SELECT {_COLUMNS} FROM payments p
        WHERE p.id > :after
          AND (CAST(:client AS bigint) IS NULL OR p.client_id = :client)
          AND (CAST(:state AS text) IS NULL OR p.state = :state)
          AND (NOT CAST(:unapplied AS boolean)
               OR p.unapplied_minor > 0 OR p.unidentified_minor > 0)
          AND (CAST(:invoice AS bigint) IS NULL OR p.id IN (
              SELECT payment_id FROM intents WHERE invoice_id = :invoice
              UNION SELECT payment_id FROM postings WHERE invoice_id = :invoice))
        ORDER BY p.id LIMIT :most
        """,  # noqa: S608 - a constant
        after=after,
        most=most,
        client=wanted.client_id,
        state=wanted.state,
        unapplied=wanted.is_unapplied,
        invoice=wanted.invoice_id,
    )


def applied(books: Books, payment_ids: list[int]) -> list[AppliedRow]:
    """Where these payments are applied, net of what was taken back."""
    return books.rows(
        AppliedRow,
        """
        SELECT payment_id, invoice_id,
               sum(CASE destination WHEN 'invoice' THEN amount_minor ELSE -amount_minor END)::bigint
        FROM postings
        WHERE payment_id = ANY (CAST(:ids AS bigint[])) AND kind = 'allocate'
        GROUP BY payment_id, invoice_id
        HAVING sum(CASE destination WHEN 'invoice' THEN amount_minor ELSE -amount_minor END) > 0
        ORDER BY payment_id, invoice_id
        """,
        ids=payment_ids,
    )


def meant(books: Books, payment_ids: list[int]) -> dict[int, int]:
    """The invoice each payment is meant for, by payment; of several, the latest said."""
    rows = books.rows(
        MeantRow,
        "SELECT DISTINCT ON (payment_id) payment_id, invoice_id FROM intents"
        " WHERE payment_id = ANY (CAST(:ids AS bigint[])) ORDER BY payment_id, position DESC",
        ids=payment_ids,
    )
    return {row.payment_id: row.invoice_id for row in rows}
