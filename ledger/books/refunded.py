"""Refunds of ours as facts tell of them: which ended how, and which notices are nothing new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.attention import Attention, AttentionKind
from domain.facts import FactKey, Move, Status
from domain.money import Money
from domain.refunds import RefundState
from domain.settlement import KnownFact
from domain.trial import Changes, Extract, unapplied
from ledger.books import attention
from ledger.store import Books, columns

_ENDS = {Status.SUCCEEDED: RefundState.DONE.value, Status.FAILED: RefundState.FAILED.value}


@dataclass(frozen=True, slots=True)
class Ended:
    """A refund that a gateway took up and made, or failed to make."""

    id: int
    payment_id: int
    currency: str
    amount_minor: int
    state: str

    @property
    def has_failed(self) -> bool:
        return self.state == RefundState.FAILED.value


def meet(books: Books, facts: Mapping[int, Sequence[KnownFact]]) -> list[Ended]:
    """Ends the refunds of which facts tell how they ended, by payment id; answers which.

    One that failed after it was done goes back to its payment by that fact alone. Hold the
    payments' locks.
    """
    rows = [
        (payment_id, each.fact.key.item, _ENDS[each.fact.status])
        for payment_id, known in facts.items()
        for each in known
        if each.fact.key.move is Move.OUT and each.fact.status in _ENDS
    ]
    if not rows:
        return []
    return books.rows(
        Ended,
        """
        WITH told AS (
            SELECT r.id, r.payment_id, r.amount_minor, each.state, each.item,
                   r.state IN ('open', 'sent', 'unknown') AS is_reserved
            FROM unnest(CAST(:payments AS bigint[]), CAST(:items AS text[]),
                        CAST(:states AS text[])) AS each (payment_id, item, state)
            JOIN refunds r ON r.payment_id = each.payment_id
                          AND coalesce(r.item, 'refund:' || r.id) = each.item
            WHERE r.state <> each.state),
        ended AS (
            UPDATE refunds r
            SET state = told.state, item = told.item, closed_at = clock_timestamp()
            FROM told WHERE r.id = told.id
            RETURNING r.id, r.payment_id, r.currency, r.amount_minor, r.state),
        freed AS (
            UPDATE payments p SET reserved_minor = p.reserved_minor - each.minor
            FROM (SELECT payment_id, sum(amount_minor) AS minor FROM told WHERE is_reserved
                  GROUP BY payment_id) each
            WHERE p.id = each.payment_id)
        SELECT id, payment_id, currency, amount_minor, state FROM ended ORDER BY id
        """,
        **columns(rows, ("payments", "items", "states")),
    )


def note_told(
    books: Books, ids: Mapping[tuple[str, str, str], int], ours: Mapping[FactKey, datetime]
) -> None:
    """Writes down when a gateway without names told of refunds of ours; `ids` are the payments'.

    Hold the payments' locks.
    """
    if not ours:
        return
    rows = [(ids[key[:3]], key.item, at) for key, at in ours.items() if key[:3] in ids]
    books.run(
        """
        UPDATE refunds r SET told_at = told.at
        FROM unnest(CAST(:payments AS bigint[]), CAST(:items AS text[]),
                    CAST(:instants AS timestamptz[])) AS told (payment_id, item, at)
        WHERE (r.payment_id, r.item) = (told.payment_id, told.item) AND r.told_at IS NULL
        """,
        **columns(rows, ("payments", "items", "instants")),
    )


def seen(ended: Sequence[Ended], kept: Extract, changes: Changes) -> list[Attention]:
    """What a person should see of refunds that failed, once their money is applied again."""
    failed = [each for each in ended if each.has_failed]
    found = [
        Attention(
            AttentionKind.REFUND_FAILED,
            f"refund:{each.id}",
            Money(each.currency, each.amount_minor),
            "the gateway took it up, and it failed there",
        )
        for each in failed
    ]
    payments = {each.id: each for each in (*kept.payments, *changes.payments)}
    invoices = {**kept.invoices, **{each.id: each for each in changes.invoices}}
    for id_ in sorted({each.payment_id for each in failed}):
        found += unapplied(payments[id_], kept.intents.get(id_, ()), invoices)
    return found


def forget(books: Books, ended: Sequence[Ended], resolver: str) -> None:
    """Closes what was said of refunds that nobody knew the fate of, and that went. Comes last.

    Also a question how much went back that was opened meanwhile, one for each: it was this refund.
    """
    gone = [each for each in ended if not each.has_failed]
    for each in gone:
        kinds = [AttentionKind.REFUND_FAILED]
        attention.close(books, f"refund:{each.id}", kinds, resolver, "it went")
    if gone:
        _answer(books, [each.id for each in gone], resolver)


def _answer(books: Books, refund_ids: Sequence[int], resolver: str) -> None:
    books.run(
        """
        WITH asked AS (
            SELECT r.id, first.attention_id, first.received_at
            FROM refunds r JOIN payments p ON p.id = r.payment_id
            CROSS JOIN LATERAL (
                SELECT t.id AS attention_id, i.received_at
                FROM attention t
                JOIN inbox i ON i.id = CAST(substr(t.subject, length('event:') + 1) AS bigint)
                WHERE t.kind = 'refund_untold' AND t.resolved_at IS NULL
                  AND (i.gateway, i.account) = (p.gateway, p.account)
                  AND position(p.gateway_reference IN t.detail) > 0
                  AND i.received_at >= r.created_at
                ORDER BY i.received_at, i.id LIMIT 1) first
            WHERE r.id = ANY (:ids) AND r.told_at IS NULL),
        closed AS (
            UPDATE attention t
            SET resolved_at = clock_timestamp(), resolver = :resolver, how = 'refund:' || asked.id
            FROM asked WHERE t.id = asked.attention_id)
        UPDATE refunds r SET told_at = asked.received_at FROM asked WHERE r.id = asked.id
        """,
        ids=list(refund_ids),
        resolver=resolver,
    )
