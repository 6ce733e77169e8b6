"""What gateways tell: facts about payments, and the join that makes their order irrelevant.

A fact is known by its key (gateway, account, reference, move, item). Reports of one fact join into
one value; the join is the maximum of a total order, field group by field group, so the same set of
reports gives the same fact in any order and with any repetition.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from domain.attention import AttentionKind
from domain.money import Money


class Move(StrEnum):
    """Which way the money went; a fee is what the gateway keeps, a rebate a fee it gives back."""

    IN = "in"
    OUT = "out"
    BACK = "back"
    FEE = "fee"
    REBATE = "rebate"


class Status(StrEnum):
    """How far the move has come."""

    PENDING = "pending"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


class FactClass(StrEnum):
    """Why the money moved."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    FEE = "fee"


class Trust(IntEnum):
    """How well the source of an amount knows it; the better source wins over the larger amount.

    In passing: told with something else that happened, so that no more than that it came is sure.
    """

    IN_PASSING = 0
    DELIVERY = 1
    LOOKUP = 2


class FactKey(NamedTuple):
    """What makes two reports speak of the same money; its order is the order of locking."""

    gateway: str
    account: str
    reference: str
    move: Move
    item: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of one move of money.

    `happened_at` is an aware instant. `meant_for` has every reference of ours that a gateway echoed
    (invoice id, number or order id), sorted; empty when no report carried one.
    """

    key: FactKey
    status: Status
    fact_class: FactClass
    money: Money
    trust: Trust
    happened_at: datetime
    meant_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One thing a delivery tells: a fact, and every name that means exactly this payment.

    `is_alias`: the reference is some name of the payment and perhaps not its main one, so that
    nothing is known of it before some other report has told what that name means. `is_nameless`:
    the gateway has no name for this move, so that the same amount told of another instant may be
    the same move again, or a second one. `doubt` is what a person should look at all the same.
    `is_answer`: the gateway was asked about the payment, however well this tells of it.
    """

    fact: Fact
    names: tuple[str, ...]
    is_alias: bool = False
    is_nameless: bool = False
    doubt: str | None = None
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A delivery tells that money moved and not which: its gateway must be asked.

    `refunded` is what went back of the payment by now, by whichever refunds; `transaction` the
    gateway's entry that has the fee. Where both are None nothing but an answer will do. `is_hint`:
    the delivery proves nothing of what it says, so that its row waits until the answer is settled.
    """

    gateway: str
    account: str
    reference: str
    refunded: Money | None = None
    transaction: str | None = None
    is_hint: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """A customer agreed to an order and no money moved yet: it must be captured."""

    gateway: str
    account: str
    order: str


class Ending(StrEnum):
    """How an attempt to pay ends without money."""

    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """An attempt is over, known by the order ids that came back, or by the gateway's session."""

    gateway: str
    account: str
    order_ids: tuple[str, ...]
    session: str | None
    ending: Ending


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine delivery that tells nothing about our money, and why; it is kept all the same."""

    reason: str
    attention: AttentionKind | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """What a person should look at, beside what the same delivery tells.

    `untold` is the payment, as (gateway, account, reference), of which something was given back and
    not said how much, `at` when it was, None where we asked: nothing new where a refund of ours did
    it.
    """

    kind: AttentionKind
    detail: str
    untold: tuple[str, str, str] | None = None
    at: datetime | None = None


Told = Report | Ask | Approval | AttemptEnd | Flag
Reading = tuple[Told, ...] | Ignored


# A failed attempt to pay may still succeed; a refund that succeeded may still fail and come back.
_RANKS = {
    Move.IN: {Status.PENDING: 0, Status.FAILED: 1, Status.SUCCEEDED: 2},
    Move.OUT: {Status.PENDING: 0, Status.SUCCEEDED: 1, Status.FAILED: 2},
    Move.BACK: {Status.PENDING: 0, Status.SUCCEEDED: 1, Status.FAILED: 2},
    Move.FEE: {Status.PENDING: 0, Status.SUCCEEDED: 1, Status.FAILED: 2},
    Move.REBATE: {Status.PENDING: 0, Status.SUCCEEDED: 1, Status.FAILED: 2},
}
_CLASS_RANKS = {
    FactClass.FEE: 0,
    FactClass.PAYMENT: 1,
    FactClass.REFUND: 2,
    FactClass.CHARGEBACK: 3,
}


def join(known: Fact, told: Fact) -> Fact:
    """What both reports together say.

    The further status brings its amount; within one status the better source wins, then the larger
    amount (a growing capture). The instant is the earliest at which that status was told. A
    chargeback outranks a refund, and no reference that was ever told is forgotten.
    """
    assert known.key == told.key
    return replace(
        max(known, told, key=_weight),
        happened_at=max(known, told, key=_earliness).happened_at,
        fact_class=max(known.fact_class, told.fact_class, key=_CLASS_RANKS.__getitem__),
        meant_for=tuple(sorted({*known.meant_for, *told.meant_for})),
    )


def clash(known: Fact, told: Fact) -> bool:
    """Whether two reports cannot both be true: money that moved did not move in two currencies.

    The join has no answer to that: what was known stands, and a person decides.
    """
    return (
        known.status is told.status is Status.SUCCEEDED
        and known.money.currency != told.money.currency
    )


def disagree(known: Fact, told: Fact) -> bool:
    """Whether the gateway's answer and a delivery give the same money that moved another amount."""
    return (
        known.status is told.status is Status.SUCCEEDED
        and {known.trust, told.trust} == {Trust.DELIVERY, Trust.LOOKUP}
        and known.money != told.money
    )


def may_be_another(known: Fact, told: Fact) -> bool:
    """Whether a move that its gateway has no name for was told before, of another instant.

    It is not taken for a second one: money that did not go back a second time would be missed by
    nobody, money that did is on the gateway's statement. A person decides.
    """
    return known.status is told.status is Status.SUCCEEDED and known.happened_at != told.happened_at


def is_half_told(facts: Iterable[Fact]) -> bool:
    """Whether money of a payment went back of which nobody has told that it ever came."""
    has_returned = False
    for fact in facts:
        if fact.key.move is Move.IN and fact.status is Status.SUCCEEDED:
            return False
        has_returned |= fact.key.move in (Move.OUT, Move.BACK)
    return has_returned


def _weight(fact: Fact) -> tuple[int, int, int, str]:
    return (
        _RANKS[fact.key.move][fact.status],
        fact.trust,
        fact.money.minor,
        fact.money.currency,
    )


def _earliness(fact: Fact) -> tuple[int, float]:
    return _RANKS[fact.key.move][fact.status], -fact.happened_at.timestamp()
