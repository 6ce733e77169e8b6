"""What money is meant for: our references as gateways echo them, resolved to invoices."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from domain.allocation import Intent
from domain.attention import Attention, AttentionKind
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
