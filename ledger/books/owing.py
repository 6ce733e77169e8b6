"""What a client owes and what credit he has, per currency."""

from dataclasses import dataclass

from ledger.store import Books


@dataclass(frozen=True, slots=True)
class OwingRow:
    """One currency of a client: what is open of his invoices, and his unapplied credit."""

    currency: str
    open_minor: int
    unapplied_minor: int


@dataclass(frozen=True, slots=True)
class CreditRow:
    """A payment with unapplied credit, in minor units of its currency."""

    payment_id: int
    currency: str
    unapplied_minor: int


def by_currency(books: Books, client_id: int) -> list[OwingRow]:
    """Every currency in which the client owes or has something."""
    return books.rows(
        OwingRow,
        """
        SELECT currency, sum(open)::bigint, sum(unapplied)::bigint
        FROM (SELECT currency, total_minor - paid_minor - credited_minor - written_off_minor
                               - settled_before_minor AS open, 0 AS unapplied
              FROM invoices WHERE client_id = :id AND state = 'issued'
              UNION ALL
              SELECT currency, 0, unapplied_minor FROM payments
              WHERE client_id = :id AND (unapplied_minor > 0 OR unidentified_minor > 0)) each
        GROUP BY currency HAVING sum(open) > 0 OR sum(unapplied) > 0
        ORDER BY currency
        """,
        id=client_id,
    )


def credit(books: Books, client_id: int, most: int) -> list[CreditRow]:
    """The client's payments with unapplied credit, oldest first, at most `most`."""
    return books.rows(
        CreditRow,
        "SELECT id, currency, unapplied_minor FROM payments"
        " WHERE client_id = :id AND (unapplied_minor > 0 OR unidentified_minor > 0)"
        " ORDER BY id LIMIT :most",
        id=client_id,
        most=most,
    )
