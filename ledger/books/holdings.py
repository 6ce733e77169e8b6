"""Payments and invoices as the fold sees them: locked in order, read afterwards, written back."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.allocation import Holding, Intent
from domain.invoices import InvoiceState, Standing
from domain.postings import Posted, PostingKind
from domain.trial import Extract
from ledger.store import Books, columns


def lock_payments(books: Books, payment_ids: Sequence[int]) -> None:
    """Locks payments by id, FOR NO KEY UPDATE. Nothing is read here: a lock may have waited."""
    if not payment_ids:
        return
    books.run(
        "SELECT FROM payments WHERE id = ANY (CAST(:ids AS bigint[])) ORDER BY id"
        " FOR NO KEY UPDATE",
        ids=list(payment_ids),
    )


def lock_invoices_touched(
    books: Books, payment_ids: Sequence[int], named: Collection[int] = ()
) -> None:
    """Locks every invoice these payments are meant for or applied to, and those `named`, by id.

    Payments come first.
    """
    books.run(
        f"SELECT FROM invoices WHERE id IN ({_TOUCHED}) ORDER BY id FOR NO KEY UPDATE",
        ids=list(payment_ids),
        named=list(named),
    )


def sharing(books: Books, payment_ids: Sequence[int], named: Collection[int] = ()) -> list[int]:
    """These payments, and others with unapplied money that are meant for the same invoices.

    Of the others the oldest ones, as many as could pay the whole invoice again: however often it
    was overpaid, no more can be applied. `named` are invoices that these payments are meant for,
    though it is not written yet.
    """
    rows = books.rows(
        _Id,
        f"""
        SELECT unnest(CAST(:ids AS bigint[])) AS id
        UNION
        SELECT id FROM (
            SELECT p.id, i.total_minor, sum(CASE WHEN {_IS_ALL_FOR_IT}
                                             THEN p.unapplied_minor - p.reserved_minor END)
                   OVER (PARTITION BY i.id ORDER BY p.id
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS older_minor
            FROM payments p JOIN intents n ON n.payment_id = p.id
                            JOIN invoices i ON i.id = n.invoice_id
            WHERE p.unapplied_minor > p.reserved_minor AND i.id IN ({_TOUCHED})) AS others
        WHERE coalesce(older_minor, 0) < total_minor
        ORDER BY id
        """,  # noqa: S608 - constants
        ids=list(payment_ids),
        named=list(named),
    )
    return [row.id for row in rows]


# Its money can be applied to this invoice, to no other one, and without a limit; nor does it change
# just now.
_IS_ALL_FOR_IT = """
    p.client_id = i.client_id AND p.currency = i.currency AND n.amount_minor IS NULL
    AND p.id <> ALL (CAST(:ids AS bigint[]))
    AND NOT EXISTS (SELECT FROM intents o
                    WHERE o.payment_id = p.id AND o.invoice_id <> n.invoice_id)
"""

_TOUCHED = """
    SELECT invoice_id FROM intents WHERE payment_id = ANY (CAST(:ids AS bigint[]))
    UNION
    SELECT invoice_id FROM postings
    WHERE payment_id = ANY (CAST(:ids AS bigint[])) AND invoice_id IS NOT NULL
    UNION
    SELECT unnest(CAST(:named AS bigint[]))
"""


def lock_invoice_and_payments(books: Books, invoice_id: int) -> list[int]:
    """Locks the payments that are meant for an invoice or applied to it, then the invoice.

    Answers those payments. Payments come before invoices in the lock order, so they are found
    without a lock and looked for once more: one that appeared meanwhile is locked without waiting,
    and TryLater asks for a fresh start when it is in other hands.
    The invoice is locked FOR UPDATE: its number, a key, may change, and that must not meet the
    key share of a row that names it, such as a reminder, with each side waiting for the other.
    """
    found = payments_of(books, invoice_id)
    lock_payments(books, found)
    books.run("SELECT FROM invoices WHERE id = :id FOR UPDATE", id=invoice_id)
    appeared = sorted(set(payments_of(books, invoice_id)) - set(found))
    if appeared:
        books.run(
            "SELECT FROM payments WHERE id = ANY (CAST(:ids AS bigint[])) ORDER BY id"
            " FOR NO KEY UPDATE NOWAIT",
            ids=appeared,
        )
    return [*found, *appeared]


def extract(books: Books, payment_ids: Sequence[int], named: Collection[int] = ()) -> Extract:
    """What the books hold of these payments, the invoices they are meant for and those `named`.

    Lock them first.
    """
    ids = list(payment_ids)
    return Extract(
        payments=_payments(books, ids) if ids else [],
        intents=_intents(books, ids) if ids else {},
        invoices=_invoices(books, ids, named) if ids or named else {},
        posted=_posted(books, ids) if ids else {},
    )


def reference(books: Books, payment_id: int) -> str:
    """The name by which its gateway knows a payment; empty where no gateway does."""
    return str(
        books.value(
            "SELECT coalesce(gateway_reference, '') FROM payments WHERE id = :id", id=payment_id
        )
    )


def order_id(books: Books, payment_id: int) -> str | None:
    """The order that a payment was told to be of; None where none was told, or several."""
    found = books.value(
        """
        SELECT f.meant_for[1] FROM payments p
        JOIN facts f ON (f.gateway, f.account, f.reference, f.move)
                      = (p.gateway, p.account, p.gateway_reference, 'in')
        WHERE p.id = :id AND cardinality(f.meant_for) = 1
        """,
        id=payment_id,
    )
    return None if found is None else str(found)


def write_payments(books: Books, held: Sequence[Holding]) -> None:
    """Writes the totals that follow from the postings made under the same locks."""
    if not held:
        return
    rows = [
        (
            *(p.id, p.client_id, p.received_minor, p.unapplied_minor, p.unidentified_minor),
            *(p.returned_minor, p.lost_minor),
        )
        for p in held
    ]
    books.run(
        """
        UPDATE payments p SET client_id = told.client_id, amount_minor = told.received,
               unapplied_minor = told.unapplied, unidentified_minor = told.unidentified,
               returned_minor = told.returned, lost_minor = told.lost,
               updated_at = now()
        FROM unnest(CAST(:ids AS bigint[]), CAST(:clients AS bigint[]), CAST(:received AS bigint[]),
                    CAST(:unapplied AS bigint[]), CAST(:unidentified AS bigint[]),
                    CAST(:returned AS bigint[]), CAST(:lost AS bigint[]))
             AS told (id, client_id, received, unapplied, unidentified, returned, lost)
        WHERE p.id = told.id
        """,
        **columns(
            rows,
            ("ids", "clients", "received", "unapplied", "unidentified", "returned", "lost"),
        ),
    )


def write_invoices(books: Books, invoices: Sequence[Standing]) -> None:
    """Writes what each invoice has been paid, under its lock."""
    if not invoices:
        return
    books.run(
        """
        UPDATE invoices i SET paid_minor = told.paid, updated_at = now()
        FROM unnest(CAST(:ids AS bigint[]), CAST(:paid AS bigint[])) AS told (id, paid)
        WHERE i.id = told.id
        """,
        **columns([(i.id, i.paid_minor) for i in invoices], ("ids", "paid")),
    )


def _payments(books: Books, ids: list[int]) -> list[Holding]:
    return books.rows(
        Holding,
        """
        SELECT id, coalesce(gateway, ''), coalesce(account, ''), coalesce(gateway_reference, ''),
               client_id, currency, amount_minor, unapplied_minor, unidentified_minor,
               returned_minor, lost_minor, is_meaning_said, reserved_minor
        FROM payments WHERE id = ANY (CAST(:ids AS bigint[])) ORDER BY id
        """,
        ids=ids,
    )


def _intents(books: Books, ids: list[int]) -> Mapping[int, Sequence[Intent]]:
    found = books.rows(
        Intent,
        "SELECT payment_id, position, invoice_id, amount_minor FROM intents"
        " WHERE payment_id = ANY (CAST(:ids AS bigint[])) ORDER BY payment_id, position",
        ids=ids,
    )
    grouped = defaultdict(list)
    for intent in found:
        grouped[intent.payment_id].append(intent)
    return grouped


STANDING_COLUMNS = (
    "id, client_id, number, state, currency, issue_on, due_on, total_minor, paid_minor,"
    " credited_minor, written_off_minor, settled_before_minor, reminder_cycle"
)


def standing(*row: Any) -> Standing:
    """An invoice as the domain knows it, from the values of `STANDING_COLUMNS`."""
    state = InvoiceState(row[3])
    return Standing(*(*row[:3], state, *row[4:]))


def _invoices(
    books: Books, payment_ids: list[int], named: Collection[int]
) -> Mapping[int, Standing]:
    rows = books.rows(
        standing,
        f"SELECT {STANDING_COLUMNS} FROM invoices"  # noqa: S608 - a constant, no input
        f" WHERE id IN ({_TOUCHED})",
        ids=payment_ids,
        named=list(named),
    )
    return {row.id: row for row in rows}


@dataclass(frozen=True, slots=True)
class _Id:
    id: int


def payments_of(books: Books, invoice_id: int) -> list[int]:
    """The payments that are meant for an invoice, or ever were applied to it; no lock."""
    rows = books.rows(
        _Id,
        """
        SELECT payment_id FROM intents WHERE invoice_id = :id
        UNION
        SELECT payment_id FROM postings WHERE invoice_id = :id AND payment_id IS NOT NULL
        ORDER BY payment_id
        """,
        id=invoice_id,
    )
    return [row.id for row in rows]


@dataclass(frozen=True, slots=True)
class _PostedRow:
    id: int
    payment_id: int
    kind: str
    source: str
    destination: str
    invoice_id: int | None
    left_minor: int
    fact_id: int | None


def _posted(books: Books, ids: list[int]) -> Mapping[int, Sequence[Posted]]:
    """Postings of these payments that are no opposites, as far as nothing has reversed them."""
    rows = books.rows(
        _PostedRow,
        """
        SELECT p.id, p.payment_id, p.kind, p.source, p.destination, p.invoice_id,
               p.amount_minor - coalesce(r.amount_minor, 0), p.fact_id
        FROM postings p
        LEFT JOIN (SELECT reverses, sum(amount_minor)::bigint AS amount_minor FROM postings
                   WHERE payment_id = ANY (CAST(:ids AS bigint[])) AND reverses IS NOT NULL
                   GROUP BY reverses) r ON r.reverses = p.id
        WHERE p.payment_id = ANY (CAST(:ids AS bigint[])) AND p.reverses IS NULL
          AND p.amount_minor > coalesce(r.amount_minor, 0)
        ORDER BY p.id
        """,
        ids=ids,
    )
    grouped: dict[int, list[Posted]] = defaultdict(list)
    for row in rows:
        grouped[row.payment_id].append(
            Posted(
                row.id,
                row.payment_id,
                PostingKind(row.kind),
                row.source,
                row.destination,
                row.invoice_id,
                row.left_minor,
                row.fact_id,
            )
        )
    return grouped
