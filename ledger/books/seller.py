"""The one who sells: printed on every invoice, and owner of the number series."""

from dataclasses import dataclass

from domain.errors import Refused
from ledger.store import Books


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues the invoices. `tax_id` is the CUI; `series` begins every invoice number."""

    name: str
    tax_id: str
    street: str
    city: str
    country: str
    ibans: list[str]
    language: str
    series: str


def put(books: Books, seller: Seller) -> None:
    """Stores the seller, or corrects it; the number series goes on."""
    books.run(
        """
        INSERT INTO seller (name, tax_id, street, city, country, ibans, language, series)
        VALUES (:name, :tax_id, :street, :city, :country, CAST(:ibans AS text[]), :language,
                :series)
        ON CONFLICT ON CONSTRAINT seller_pkey DO UPDATE SET
            name = excluded.name, tax_id = excluded.tax_id, street = excluded.street,
            city = excluded.city, country = excluded.country, ibans = excluded.ibans,
            language = excluded.language, series = excluded.series
        """,
        **{name: getattr(seller, name) for name in seller.__slots__},
    )


def find(books: Books) -> Seller | None:
    """The seller; None before anyone has set one up."""
    return books.row(
        Seller,
        "SELECT name, tax_id, street, city, country, ibans, language, series FROM seller",
    )


def next_number(books: Books) -> str:
    """The next invoice number, without a gap: it is given back when the transaction rolls back.

    Locks the seller's row, last of all locks before the journal. Refused when there is no seller.
    """
    row = books.row(
        _Numbered,
        "UPDATE seller SET next_number = next_number + 1 RETURNING series, next_number - 1",
    )
    if row is None:
        raise Refused(
            "no_seller", "an invoice needs its seller: run `incasso setup` with your company's data"
        )
    return f"{row.series}-{row.number:04d}"


@dataclass(frozen=True, slots=True)
class _Numbered:
    series: str
    number: int
