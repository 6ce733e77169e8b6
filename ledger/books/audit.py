"""The audit: recomputes every stored total from the postings and checks every law of the books.

It reads one moment of the database and changes nothing. What it finds it names: the law, the row,
what is stored and what should be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from domain.errors import Refused
from domain.invoices import Line, VatCategory, total
from domain.money import Money
from ledger.books import invoices
from ledger.store import Books

_LAWS = Path(__file__).with_name("laws.sql")


@dataclass(frozen=True, slots=True)
class Difference:
    """A law that does not hold for `subject`, a row named as `payment:12`."""

    law: str
    subject: str
    detail: str


def laws() -> dict[str, str]:
    """Every law written in SQL: its name, and the query that finds the rows that break it."""
    parts = _LAWS.read_text().split("-- law: ")[1:]
    return {name.strip(): query for name, _, query in (part.partition("\n") for part in parts)}


def audit(books: Books) -> Iterator[Difference]:
    """Every difference found, law by law; none means the books are right. Open on a snapshot."""
    for law, query in laws().items():
        for found in books.rows(_Found, query):
            yield Difference(law, found.subject, found.detail)
    yield from _totals(books)


@dataclass(frozen=True, slots=True)
class _Found:
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Invoice:
    id: int
    currency: str
    total_minor: int


_CHUNK = 500


def _totals(books: Books) -> Iterator[Difference]:
    """Invoices whose total is not what their lines add up to; those without lines are imports."""
    after = 0
    while True:
        chunk = books.rows(
            _Invoice,
            "SELECT id, currency, total_minor FROM invoices i WHERE id > :after"
            " AND EXISTS (SELECT FROM invoice_lines WHERE invoice_id = i.id)"
            " ORDER BY id LIMIT :most",
            after=after,
            most=_CHUNK,
        )
        if not chunk:
            return
        after = chunk[-1].id
        yield from (found for invoice in chunk if (found := _false_total(books, invoice)))


def _false_total(books: Books, invoice: _Invoice) -> Difference | None:
    rows = invoices.lines(books, invoice.id)
    stored = (invoice.total_minor, [row.net_minor for row in rows])
    try:
        right = total(tuple(_line(row, invoice.currency) for row in rows), invoice.currency)
        should_be = str((right.total.minor, [net.minor for net in right.nets]))
    except (Refused, ValueError) as senseless:
        should_be = str(senseless)
    if str(stored) == should_be:
        return None
    return Difference(
        "an invoice's total is what its lines add up to",
        f"invoice:{invoice.id}",
        f"stored total and nets {stored}, lines say {should_be}",
    )


def _line(row: invoices.LineRow, currency: str) -> Line:
    return Line(
        description=row.description,
        quantity=row.quantity,
        unit=row.unit,
        unit_price=row.unit_price,
        discount=Money(currency, row.discount_minor),
        vat_rate=Decimal(row.vat_rate),
        vat_category=VatCategory(row.vat_category),
        vat_reason=row.vat_reason,
    )
