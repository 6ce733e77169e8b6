"""Row numbers before there are rows, so that a row can be written once and last."""

from collections.abc import Iterator
from typing import Literal

from ledger.store import Books

Table = Literal["facts", "payments"]


def take(books: Books, table: Table, how_many: int) -> Iterator[int]:
    """Fresh row numbers of a table, rising; those of a batch that fails are never used."""
    if not how_many:
        return iter(())
    found = books.value(
        "SELECT array_agg(nextval((SELECT pg_get_serial_sequence(:table, 'id')::regclass)))"
        " FROM generate_series(1, :most)",
        table=table,
        most=how_many,
    )
    return iter(sorted(found))
