"""Reports of Stripe's objects, whether an event shows the object or an answer to a lookup."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.errors import Refused
from domain.facts import Fact, FactClass, FactKey, Move, Report, Status, Trust
from domain.money import Money
from gateways import stripe_fields as fields
from gateways.stripe_fields import Payload

NAME = "stripe"

_REFUND_STATUSES = {
    "pending": Status.PENDING,
    "requires_action": Status.PENDING,
    "succeeded": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}


@dataclass(frozen=True, slots=True)
class Source:
    """Who tells: of whose account, how well it knows, and when what it tells happened."""

    account: str
    trust: Trust
    at: datetime


def payment(
    source: Source, subject: Payload, names: tuple[str, ...], status: Status, amount_field: str
) -> Report:
    """Money that came, or is to come, or will not."""
    fact = Fact(
        key=FactKey(NAME, source.account, names[0], Move.IN, ""),
        status=status,
        fact_class=FactClass.PAYMENT,
        money=fields.money_of(subject, amount_field),
        trust=source.trust,
        happened_at=source.at,
        meant_for=fields.meant_for(subject),
    )
    return Report(fact, names)


def refund(source: Source, subject: Payload) -> Report:
    """Money that the seller gave back."""
    status = _REFUND_STATUSES.get(str(subject.get("status")))
    if status is None:
        raise Refused("malformed_event", "the refund's status is none that is known")
    item = fields.needed(fields.reference(subject, "id"), "a refund has an id")
    money = fields.money_of(subject, "amount")
    return _of_charge(source, subject, (Move.OUT, item), (status, FactClass.REFUND), money)


def dispute(source: Source, subject: Payload, entry: Payload) -> Report:
    """Money that a bank took, or gave back, by one entry of a dispute.

    The amount is the dispute's, in the currency of the charge; the entry's own is in the currency
    of the seller's balance.
    """
    dispute_id = fields.needed(fields.reference(subject, "id"), "a dispute has an id")
    entry_id = fields.needed(fields.reference(entry, "id"), "a balance transaction has an id")
    moved = (_direction(entry), f"{dispute_id}/{entry_id}")
    money = fields.money_of(subject, "amount")
    return _of_charge(source, subject, moved, (Status.SUCCEEDED, FactClass.CHARGEBACK), money)


def entries(subject: Payload, *moves: Move) -> list[Payload]:
    """The balance transactions of a dispute that moved money one of these ways, first one first."""
    return [
        entry
        for entry in fields.entries(subject, "balance_transactions")
        if type(entry.get("amount")) is int and entry["amount"] and _direction(entry) in moves
    ]


def fees(source: Source, subject: Payload, transactions: Iterable[object]) -> list[Report]:
    """What Stripe kept for itself, as the balance transactions of a charge or dispute tell.

    One that is only named tells nothing; one below zero gives a fee back.
    """
    return [
        _fee(source, subject, entry)
        for entry in transactions
        if isinstance(entry, dict) and entry.get("fee")
    ]


def _fee(source: Source, subject: Payload, entry: Payload) -> Report:
    minor = entry["fee"]
    if type(minor) is not int:
        raise Refused("malformed_amount", "fee is no whole number")
    move = Move.FEE if minor > 0 else Move.REBATE
    item = fields.needed(fields.reference(entry, "id"), "a balance transaction has an id")
    money = fields.money_of({**entry, "fee": abs(minor)}, "fee")
    return _of_charge(source, subject, (move, item), (Status.SUCCEEDED, FactClass.FEE), money)


def _of_charge(
    source: Source,
    subject: Payload,
    moved: tuple[Move, str],
    how: tuple[Status, FactClass],
    money: Money,
) -> Report:
    """A report of a move that is told with the charge, and the payment intent where there is one.

    Where none is named, the charge's name alone does not tell which payment it is.
    """
    own = "id" if subject.get("object") == "charge" else "charge"
    names = fields.names(subject, "payment_intent", own)
    key = FactKey(NAME, source.account, names[0], *moved)
    fact = Fact(key, *how, money=money, trust=source.trust, happened_at=source.at)
    is_alias = own == "charge" and fields.reference(subject, "payment_intent") is None
    return Report(fact, names, is_alias)


def _direction(entry: Payload) -> Move:
    return Move.OUT if entry["amount"] < 0 else Move.BACK
