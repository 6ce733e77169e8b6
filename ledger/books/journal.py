"""The journal: one row per act, and the postings it made. Both are append-only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.postings import Posting
from ledger.store import Books, columns


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what and why. `before` and `after` name rows and amounts, never a person."""

    actor: str
    act: str
    reason: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def record(books: Books, act: Act, postings: Sequence[Posting] = ()) -> int:
    """Writes an act with its postings; answers the act's number.

    Comes last in a transaction, after every lock. Takes no lock of its own.
    """
    act_id = books.value(
        "INSERT INTO journal (actor, act, reason, before, after)"
        " VALUES (:actor, :act, :reason, CAST(:before AS jsonb), CAST(:after AS jsonb))"
        " RETURNING id",
        actor=act.actor,
        act=act.act,
        reason=act.reason,
        before=_json(act.before),
        after=_json(act.after),
    )
    if postings:
        _post(books, act_id, postings)
    return int(act_id)


def _post(books: Books, act_id: int, postings: Sequence[Posting]) -> None:
    names = (
        *("kinds", "sources", "destinations", "currencies", "amounts", "payments", "invoices"),
        *("clients", "facts", "reversed", "days"),
    )
    books.run(
        """
        INSERT INTO postings (act_id, kind, source, destination, currency, amount_minor,
                              payment_id, invoice_id, client_id, fact_id, reverses, effective_on)
        SELECT :act_id, * FROM unnest(
            CAST(:kinds AS text[]), CAST(:sources AS text[]), CAST(:destinations AS text[]),
            CAST(:currencies AS text[]), CAST(:amounts AS bigint[]), CAST(:payments AS bigint[]),
            CAST(:invoices AS bigint[]), CAST(:clients AS bigint[]), CAST(:facts AS bigint[]),
            CAST(:reversed AS bigint[]), CAST(:days AS date[]))
        """,
        act_id=act_id,
        **columns([_posting_columns(posting) for posting in postings], names),
    )


def _posting_columns(posting: Posting) -> tuple[object, ...]:
    return (
        *(posting.kind.value, posting.source, posting.destination),
        *(posting.money.currency, posting.money.minor, posting.payment_id, posting.invoice_id),
        *(posting.client_id, posting.fact_id, posting.reverses, posting.effective_on),
    )


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)
