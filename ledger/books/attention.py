"""What needs a person: opened once per kind and subject, in the transaction that found it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.attention import Attention, AttentionKind
from domain.errors import Refused
from ledger.store import Books, columns

# What the fold says of a payment, and takes back when it is no longer so.
_OF_PAYMENTS = (
    AttentionKind.OVERPAID,
    AttentionKind.UNKNOWN_INVOICE,
    AttentionKind.DRAFT_INVOICE,
    AttentionKind.VOID_INVOICE,
    AttentionKind.OTHER_CURRENCY,
    AttentionKind.OTHER_CLIENT,
    AttentionKind.UNAPPLIED,
)

# What is said of an invoice that money went back from, until it is paid or the money is here again.
_OF_INVOICES = (AttentionKind.REFUNDED, AttentionKind.DISPUTED)


def open_all(books: Books, found: Sequence[Attention]) -> None:
    """Opens each of these; what is open already shows the new amount. After every lock."""
    if not found:
        return
    rows = sorted(
        (
            each.kind.value,
            each.subject,
            each.money.currency if each.money else None,
            each.money.minor if each.money else None,
            each.detail,
        )
        for each in {(each.kind, each.subject): each for each in found}.values()
    )
    books.run(
        """
        INSERT INTO attention AS a (kind, subject, currency, amount_minor, detail)
        SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:subjects AS text[]),
                             CAST(:currencies AS text[]), CAST(:amounts AS bigint[]),
                             CAST(:details AS text[]))
        ON CONFLICT (kind, subject) WHERE resolved_at IS NULL
        DO UPDATE SET currency = excluded.currency, amount_minor = excluded.amount_minor
        WHERE (a.currency, a.amount_minor) IS DISTINCT FROM
              (excluded.currency, excluded.amount_minor)
        """,
        **columns(rows, ("kinds", "subjects", "currencies", "amounts", "details")),
    )


def renew(
    books: Books,
    payment_ids: Sequence[int],
    found: Sequence[Attention],
    resolver: str = "worker",
    *,
    released: Sequence[int] = (),
) -> None:
    """Makes what is open for these payments exactly what was found; what is settled is closed.

    `released` are invoices that no money is missing from any more.
    """
    subjects = [f"payment:{id_}" for id_ in payment_ids] + [f"invoice:{id_}" for id_ in released]
    if subjects:
        _close_settled(books, subjects, found, resolver)
    open_all(books, found)


def _close_settled(
    books: Books, subjects: Sequence[str], found: Sequence[Attention], resolver: str
) -> None:
    books.run(
        """
        UPDATE attention SET resolved_at = clock_timestamp(), resolver = :resolver, how = 'settled'
        WHERE resolved_at IS NULL AND kind = ANY (CAST(:kinds AS text[]))
          AND subject = ANY (CAST(:subjects AS text[]))
          AND kind || ' ' || subject <> ALL (CAST(:found AS text[]))
        """,
        resolver=resolver,
        kinds=[kind.value for kind in (*_OF_PAYMENTS, *_OF_INVOICES)],
        subjects=list(subjects),
        found=[f"{each.kind.value} {each.subject}" for each in found],
    )


def close(
    books: Books, subject: str, kinds: Sequence[AttentionKind], resolver: str, how: str
) -> None:
    """Closes what is open of these kinds for a subject; nothing open is fine."""
    books.run(
        "UPDATE attention SET resolved_at = clock_timestamp(), resolver = :resolver, how = :how"
        " WHERE subject = :subject AND kind = ANY (CAST(:kinds AS text[]))"
        " AND resolved_at IS NULL",
        subject=subject,
        kinds=[kind.value for kind in kinds],
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


def open_rows(books: Books, most: int, kind: AttentionKind | None = None) -> list[OpenRow]:
    """What waits, longest first, at most `most`; of one kind, or of all (None).

    Attempts that nobody tells the end of come last: there are many, and most were given up.
    """
    return books.rows(
        OpenRow,
        "SELECT id, kind, subject, currency, amount_minor, detail, opened_at, due_by FROM attention"
        " WHERE resolved_at IS NULL AND (CAST(:kind AS text) IS NULL OR kind = :kind)"
        " ORDER BY kind = 'attempt_silent', id LIMIT :most",
        kind=None if kind is None else kind.value,
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
