"""The payments that money has arrived for: those there are, and those about to be made.

A new payment is numbered first and written last, once, with its totals: a row written twice costs
twice. Its main name is locked, so nobody else makes it meanwhile; if somebody did all the same,
the unique key of payments fails the batch.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.allocation import Holding
from domain.facts import Fact, Move, Status
from domain.settlement import KnownFact
from ledger import numbers
from ledger.settlement.merging import Merged
from ledger.settlement.naming import Reference
from ledger.store import Books, columns


class NewPayment(NamedTuple):
    """A payment that has no row yet; `paid_on` is the local day on which its money arrived."""

    id: int
    reference: Reference
    currency: str
    paid_on: date

    @property
    def holding(self) -> Holding:
        """What the books hold of it: nothing."""
        return Holding(self.id, *self.reference, None, self.currency, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Received:
    """The payment of every reference whose money has arrived; `new` are those without a row."""

    ids: Mapping[Reference, int]
    new: Mapping[int, NewPayment]


def find(books: Books, merged: Merged, zone: ZoneInfo) -> Received:
    """The payments of these facts, the new ones numbered. Hold the locks on their main names."""
    arrived = {
        reference: first
        for reference, known in merged.facts.items()
        if (first := _arrival(known)) is not None
    }
    ids = _known(books, [reference for reference in merged.known if reference in arrived])
    missing = sorted(arrived.keys() - ids.keys())
    new = {
        id_: NewPayment(
            id=id_,
            reference=reference,
            currency=arrived[reference].money.currency,
            paid_on=arrived[reference].happened_at.astimezone(zone).date(),
        )
        for id_, reference in zip(
            numbers.take(books, "payments", len(missing)), missing, strict=True
        )
    }
    return Received(ids | {payment.reference: id_ for id_, payment in new.items()}, new)


def write(books: Books, new: Collection[NewPayment], held: Sequence[Holding]) -> None:
    """Writes the new payments with the totals that their first postings lead to.

    Their method is the gateway's name; both of NETOPIA's interfaces are one way to pay.
    """
    if not new:
        return
    totals = {payment.id: payment for payment in held}
    rows = sorted(_row(payment, totals[payment.id]) for payment in new)
    names = (
        *("gateways", "accounts", "references", "ids", "currencies", "days", "clients"),
        *("received", "unapplied", "unidentified", "returned", "lost"),
    )
    books.run(
        """
        INSERT INTO payments (id, state, gateway, account, gateway_reference, client_id, currency,
                              amount_minor, unapplied_minor, unidentified_minor, returned_minor,
                              lost_minor, method, paid_on, reference)
        OVERRIDING SYSTEM VALUE
        SELECT id, 'posted', gateway, account, reference, client, currency,
               received, unapplied, unidentified, returned, lost,
               CASE gateway WHEN 'netopia' THEN 'mobilpay' ELSE gateway END, day, reference
        FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                    CAST(:references AS text[]), CAST(:ids AS bigint[]),
                    CAST(:currencies AS text[]), CAST(:days AS date[]), CAST(:clients AS bigint[]),
                    CAST(:received AS bigint[]), CAST(:unapplied AS bigint[]),
                    CAST(:unidentified AS bigint[]), CAST(:returned AS bigint[]),
                    CAST(:lost AS bigint[]))
             AS told (gateway, account, reference, id, currency, day, client, received, unapplied,
                      unidentified, returned, lost)
        """,
        **columns(rows, names),
    )


def _row(new: NewPayment, total: Holding) -> tuple[object, ...]:
    """What is written of a new payment, its unique key first: rows are inserted in that order."""
    return (
        *(*new.reference, new.id, new.currency, new.paid_on, total.client_id),
        *(total.received_minor, total.unapplied_minor, total.unidentified_minor),
        *(total.returned_minor, total.lost_minor),
    )


@dataclass(frozen=True, slots=True)
class _PaymentRow:
    id: int
    gateway: str
    account: str
    reference: str


def _known(books: Books, references: Sequence[Reference]) -> dict[Reference, int]:
    if not references:
        return {}
    found = books.rows(
        _PaymentRow,
        """
        SELECT p.id, p.gateway, p.account, p.gateway_reference FROM payments p
        JOIN unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                    CAST(:references AS text[])) AS told (gateway, account, reference)
          ON (p.gateway, p.account, p.gateway_reference)
           = (told.gateway, told.account, told.reference)
        """,
        **columns(references, ("gateways", "accounts", "references")),
    )
    return {(row.gateway, row.account, row.reference): row.id for row in found}


def _arrival(known: Sequence[KnownFact]) -> Fact | None:
    """The fact that put money on a payment; None while nothing has arrived."""
    arrived = (
        each.fact
        for each in known
        if each.fact.key.move is Move.IN and each.fact.status is Status.SUCCEEDED
    )
    return next(arrived, None)
