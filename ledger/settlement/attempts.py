"""Attempts: how far each customer's try to pay has come, as facts, endings and captures tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.facts import Approval, AttemptEnd, Move, Status
from domain.money import Money
from ledger.settlement.merging import Merged
from ledger.settlement.naming import Reference
from ledger.store import Books, columns


def note(books: Books, merged: Merged) -> Mapping[Reference, Money]:
    """Moves the attempts these facts name on: pending, failed, then succeeded, never back.

    Answers what was asked for by those that now brought another amount. Locks the attempts by id,
    after the payments' main names and before every other lock.
    """
    rows = sorted(
        (*reference[:2], name, known.fact.status.value)
        for reference, group in merged.facts.items()
        for known in group
        if known.fact.key.move is Move.IN
        for name in known.fact.meant_for
    )
    names = ("gateways", "accounts", "orders", "states")
    found = books.rows(
        _Attempt,
        """
        SELECT a.gateway, a.account, a.order_id, a.currency, a.amount_minor, a.state
        FROM attempts a
        WHERE (a.gateway, a.account, a.order_id) IN (
            SELECT * FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                                 CAST(:orders AS text[])))
        ORDER BY a.id FOR NO KEY UPDATE
        """,
        **columns([row[:3] for row in rows], names[:3]),
    )
    if not found:
        return {}
    books.run(
        """
        WITH ranks (state, rank) AS (
            VALUES ('open', 0), ('pending', 1), ('failed', 2), ('expired', 3), ('cancelled', 4),
                   ('succeeded', 5)),
        told AS (
            SELECT DISTINCT ON (gateway, account, order_id)
                   gateway, account, order_id, state, rank
            FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                        CAST(:orders AS text[]), CAST(:states AS text[]))
                 AS each (gateway, account, order_id, state) JOIN ranks USING (state)
            ORDER BY gateway, account, order_id, rank DESC)
        UPDATE attempts a SET state = told.state, updated_at = now()
        FROM told, ranks
        WHERE (a.gateway, a.account, a.order_id) = (told.gateway, told.account, told.order_id)
          AND ranks.state = a.state AND ranks.rank < told.rank
        """,
        **columns(rows, names),
    )
    return _other_amounts(merged, found)


@dataclass(frozen=True, slots=True)
class _Attempt:
    gateway: str
    account: str
    order_id: str
    currency: str
    amount_minor: int
    state: str


def _other_amounts(merged: Merged, attempts: Sequence[_Attempt]) -> Mapping[Reference, Money]:
    asked = {
        (each.gateway, each.account, each.order_id): Money(each.currency, each.amount_minor)
        for each in attempts
        if each.state != Status.SUCCEEDED
    }
    return {
        reference: wanted
        for reference, group in merged.facts.items()
        for fact in (known.fact for known in group)
        if fact.key.move is Move.IN and fact.status is Status.SUCCEEDED
        for name in fact.meant_for
        if (wanted := asked.get((*reference[:2], name))) and _differs(fact.money, wanted)
    }


def _differs(paid: Money, asked: Money) -> bool:
    """In another currency nobody can say; that is shown of the invoice."""
    return paid.currency == asked.currency and paid.minor != asked.minor


def follow(books: Books, approved: Sequence[Approval], ends: Sequence[AttemptEnd]) -> None:
    """Ends the attempts that expired or were cancelled, none that money has come of.

    Of one that its customer agreed to money is on its way, though it failed before, unless it has
    been ended. Locks them by id, right after the facts of the same batch have moved them on.
    """
    if not approved and not ends:
        return
    rows = sorted(
        [(each.gateway, each.account, each.order, "", "pending") for each in approved]
        + [
            (end.gateway, end.account, *known_as, end.ending.value)
            for end in ends
            for known_as in ((end.session or "", ""), *(("", name) for name in end.order_ids))
        ]
    )
    told = columns(rows, ("gateways", "accounts", "sessions", "orders", "states"))
    books.run(
        f"WITH told AS ({_TOLD}) SELECT FROM attempts WHERE id IN (SELECT id FROM told)"  # noqa: S608
        " ORDER BY id FOR NO KEY UPDATE",
        **told,
    )
    books.run(
        f"""
        WITH told AS ({_TOLD})
        UPDATE attempts a SET state = told.state, updated_at = now()
        FROM told
        WHERE a.id = told.id AND a.state <> told.state
          AND (a.state IN ('open', 'failed')
               OR (told.state <> 'pending' AND a.state IN ('pending', 'expired')))
        """,  # noqa: S608 - a constant
        **told,
    )


# Of several states the most final one, and it is the first by name.
_TOLD = """
    SELECT a.id, min(each.state) AS state
    FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]), CAST(:sessions AS text[]),
                CAST(:orders AS text[]), CAST(:states AS text[]))
         AS each (gateway, account, session, order_id, state)
    JOIN attempts a ON (a.gateway, a.account) = (each.gateway, each.account)
                   AND (a.session = each.session OR a.order_id = each.order_id)
    GROUP BY a.id
"""
