"""What money is meant for: our references as gateways echo them, resolved to invoices."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from domain.allocation import Intent
from domain.attention import Attention, AttentionKind
from domain.facts import AttemptEnd, Move
from domain.ids import Kind, number
from ledger.settlement.merging import Merged
from ledger.settlement.naming import Reference
from ledger.store import Books, columns


class _NamedRow(NamedTuple):
    gateway: str
    account: str
    name: str
    invoice_id: int


@dataclass(frozen=True, slots=True)
class Named:
    """What payments are meant for by the names that were told; some have an intent already."""

    intents: Mapping[int, Sequence[Intent]]
    attention: list[Attention]

    @property
    def invoices(self) -> list[int]:
        """The invoices named, sorted."""
        return self.invoices_of(self.intents.keys())

    def invoices_of(self, payment_ids: Set[int]) -> list[int]:
        """The invoices named for some of the payments, sorted."""
        named = (self.intents[id_] for id_ in payment_ids & self.intents.keys())
        return sorted({intent.invoice_id for intents in named for intent in intents})


def named(books: Books, merged: Merged, payments: Mapping[Reference, int]) -> Named:
    """The invoices that each payment is meant for, once some name told for it leads to any.

    An invoice's own name leads to it; an order id to all that its attempt is meant for, in the
    attempt's order. The first name has the money, and a person is told when another one leads
    elsewhere.
    """
    names = {reference: merged.names(reference) for reference in payments}
    invoices = _resolve(books, names)
    return Named(
        intents={
            payments[reference]: tuple(
                Intent(payments[reference], position, invoice_id, None)
                for position, invoice_id in enumerate(found[0])
            )
            for reference, found in invoices.items()
        },
        attention=[
            Attention(
                kind=AttentionKind.FACT_DISAGREES,
                subject=f"payment:{payments[reference]}",
                detail="its reports name more than one invoice; the first one has the money",
            )
            for reference, found in sorted(invoices.items())
            if len(found) > 1 and reference in merged.newly_named
        ],
    )


def write(books: Books, meant: Mapping[int, Sequence[Intent]]) -> None:
    """Writes what payments without an intent are meant for, under their locks."""
    rows = sorted(
        (intent.payment_id, intent.position, intent.invoice_id)
        for intents in meant.values()
        for intent in intents
    )
    books.run(
        """
        INSERT INTO intents (payment_id, position, invoice_id)
        SELECT * FROM unnest(CAST(:payments AS bigint[]), CAST(:positions AS integer[]),
                             CAST(:invoices AS bigint[]))
        """,
        **columns(rows, ("payments", "positions", "invoices")),
    )


def found_late(books: Books) -> list[Reference]:
    """Payments that named an invoice's number before there was one, at most 200; no lock.

    A client they were given meanwhile changes nothing, a person's word what they are meant for
    does. None while settling is stopped.
    """
    rows = books.rows(
        _ReferenceRow,
        """
        SELECT p.gateway, p.account, p.gateway_reference FROM payments p
        WHERE (p.unidentified_minor > 0 OR p.unapplied_minor > 0) AND NOT p.is_meaning_said
          AND NOT EXISTS (SELECT FROM stops WHERE what = 'settling')
          AND NOT EXISTS (SELECT FROM intents WHERE intents.payment_id = p.id)
          AND EXISTS (SELECT FROM facts f JOIN invoices i ON i.number = ANY (f.meant_for)
                      WHERE (f.gateway, f.account, f.reference)
                          = (p.gateway, p.account, p.gateway_reference))
        ORDER BY p.id LIMIT 200
        """,
    )
    return [(row.gateway, row.account, row.reference) for row in rows]


@dataclass(frozen=True, slots=True)
class _ReferenceRow:
    gateway: str
    account: str
    reference: str


def note_attempts(books: Books, merged: Merged) -> None:
    """Moves the attempts these facts name on: pending, failed, then succeeded, never back.

    Locks them by id, after the payments' main names and before every other lock.
    """
    rows = sorted(
        (*reference[:2], name, known.fact.status.value)
        for reference, group in merged.facts.items()
        for known in group
        if known.fact.key.move is Move.IN
        for name in known.fact.meant_for
    )
    names = ("gateways", "accounts", "orders", "states")
    found = books.run(
        """
        SELECT FROM attempts a
        WHERE (a.gateway, a.account, a.order_id) IN (
            SELECT * FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                                 CAST(:orders AS text[])))
        ORDER BY a.id FOR NO KEY UPDATE
        """,
        **columns([row[:3] for row in rows], names[:3]),
    )
    if not found:
        return
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


def end_attempts(books: Books, ends: Sequence[AttemptEnd]) -> None:
    """Ends the attempts that expired or were cancelled; none that money has come of.

    Locks them by id, right after the facts of the same batch have moved them on.
    """
    rows = sorted(
        (end.gateway, end.account, *known_as, end.ending.value)
        for end in ends
        for known_as in ((end.session or "", ""), *(("", name) for name in end.order_ids))
    )
    told = columns(rows, ("gateways", "accounts", "sessions", "orders", "states"))
    books.run(
        f"WITH ended AS ({_ENDED}) SELECT FROM attempts WHERE id IN (SELECT id FROM ended)"  # noqa: S608
        " ORDER BY id FOR NO KEY UPDATE",
        **told,
    )
    books.run(
        f"""
        WITH ended AS ({_ENDED})
        UPDATE attempts a SET state = ended.state, updated_at = now()
        FROM ended
        WHERE a.id = ended.id AND a.state <> ended.state
          AND a.state NOT IN ('cancelled', 'succeeded')
        """,  # noqa: S608 - a constant
        **told,
    )


# Of two endings the cancelled one, and it is the first by name.
_ENDED = """
    SELECT a.id, min(each.state) AS state
    FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]), CAST(:sessions AS text[]),
                CAST(:orders AS text[]), CAST(:states AS text[]))
         AS each (gateway, account, session, order_id, state)
    JOIN attempts a ON (a.gateway, a.account) = (each.gateway, each.account)
                   AND (a.session = each.session OR a.order_id = each.order_id)
    GROUP BY a.id
"""


def _resolve(
    books: Books, names: Mapping[Reference, Sequence[str]]
) -> dict[Reference, list[list[int]]]:
    """The invoices that the names of each payment lead to, in the order of names.

    A name is an invoice's public id, else its number, else an order id of this very account. A
    name that leads to no other invoices than one before it does not count.
    """
    rows = sorted({(*ref[:2], name) for ref, told in names.items() for name in told})
    ids = [number(Kind.INVOICE, name) for *_, name in rows]
    found = books.rows(
        _NamedRow,
        """
        SELECT told.gateway, told.account, told.name,
               coalesce(by_id.id, by_number.id, several.invoice_id, attempts.invoice_id)
        FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]), CAST(:names AS text[]),
                    CAST(:ids AS bigint[])) AS told (gateway, account, name, row)
        LEFT JOIN invoices by_id ON by_id.id = told.row
        LEFT JOIN invoices by_number ON by_number.number = told.name
        LEFT JOIN attempts ON (attempts.gateway, attempts.account, attempts.order_id)
                            = (told.gateway, told.account, told.name)
                          AND by_id.id IS NULL AND by_number.id IS NULL
        LEFT JOIN attempt_invoices several ON several.attempt_id = attempts.id
        WHERE coalesce(by_id.id, by_number.id, attempts.invoice_id) IS NOT NULL
        ORDER BY told.name, several.position
        """,
        **columns([(*row, id_) for row, id_ in zip(rows, ids, strict=True)], _NAMED),
    )
    invoices: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in found:
        invoices[row.gateway, row.account, row.name].append(row.invoice_id)
    resolved: dict[Reference, list[list[int]]] = defaultdict(list)
    for reference, told in names.items():
        for name in told:
            led = invoices.get((*reference[:2], name), [])
            if led and not any(set(led) <= set(before) for before in resolved[reference]):
                resolved[reference].append(led)
    return {reference: found for reference, found in resolved.items() if found}


_NAMED = ("gateways", "accounts", "names", "ids")
