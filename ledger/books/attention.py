"""What needs a person: opened once per kind and subject, in the transaction that found it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.attention import Attention
from domain.errors import Refused
from ledger.store import Books, columns


def open_all(books: Books, attention: Sequence[Attention]) -> None:
    """Opens each of these unless it is open already. Comes last, after every lock."""
    if not attention:
        return
    rows = sorted(
        (
            each.kind.value,
            each.subject,
            each.money.currency if each.money else None,
            each.money.minor if each.money else None,
            each.detail,
        )
        for each in {(each.kind, each.subject): each for each in attention}.values()
    )
    books.run(
        """
        INSERT INTO attention (kind, subject, currency, amount_minor, detail)
        SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:subjects AS text[]),
                             CAST(:currencies AS text[]), CAST(:amounts AS bigint[]),
                             CAST(:details AS text[]))
        ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO NOTHING
        """,
        **columns(rows, ("kinds", "subjects", "currencies", "amounts", "details")),
    )


def resolve(books: Books, subject: str, kind: str, resolver: str, how: str) -> None:
    """Closes what is open for a subject; nothing open is fine."""
    books.run(
        "UPDATE attention SET resolved_at = clock_timestamp(), resolver = :resolver, how = :how"
        " WHERE subject = :subject AND kind = :kind AND resolved_at IS NULL",
        subject=subject,
        kind=kind,
        resolver=resolver,
        how=how,
    )


@dataclass(frozen=True, slots=True)
class OpenRow:
    """One thing that waits for a person; the amount in minor units, None where there is none."""

    id: int
    kind: str
    subject: str
    currency: str | None
    amount_minor: int | None
    detail: str | None
    opened_at: datetime
    due_by: datetime | None


def open_rows(books: Books, most: int) -> list[OpenRow]:
    """What waits, longest first, at most `most`."""
    return books.rows(
        OpenRow,
        "SELECT id, kind, subject, currency, amount_minor, detail, opened_at, due_by FROM attention"
        " WHERE resolved_at IS NULL ORDER BY id LIMIT :most",
        most=most,
    )


def resolve_by_id(books: Books, attention_id: int, resolver: str, how: str) -> None:
    """Closes one open row; refused when there is none of that number."""
    closed = books.run(
        "UPDATE attention SET resolved_at = clock_timestamp(), resolver = :resolver, how = :how"
        " WHERE id = :id AND resolved_at IS NULL",
        id=attention_id,
        resolver=resolver,
        how=how,
    )
    if not closed:
        raise Refused("unknown_attention", f"nothing open has the number {attention_id}")
