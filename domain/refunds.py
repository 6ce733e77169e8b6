"""Refunds that we start: how much of a payment can be promised back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.allocation import Holding
from domain.errors import Refused
from domain.money import Money


class RefundState(StrEnum):
    """How far a refund of ours has come; its amount is reserved until it is done or failed.

    Sent: the gateway has taken it up. Unknown: perhaps it has, and nobody can say.
    """

    OPEN = "open"
    SENT = "sent"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"


# How far a gateway's clock, or its zone, may be off ours; and how late it may tell.
_OFF = timedelta(days=1)

# The gateway took it up, as far as anybody knows.
GONE = (RefundState.SENT, RefundState.DONE)


@dataclass(frozen=True, slots=True)
class Ours:
    """A refund that we started and that may have gone; `item` is what its fact is known by.

    `told_at` is the instant by which its gateway told of it; None: it has not. Instants are aware.
    """

    item: str
    money: Money
    state: RefundState
    begun_at: datetime
    closed_at: datetime | None = None
    told_at: datetime | None = None


def to_reserve(payment: Holding, asked: Money | None, *, only_unapplied: bool) -> Money:
    """How much is given back: what was asked for, or all that there is.

    `only_unapplied`: of what is applied to no invoice. What is promised already counts as gone.
    Refused when a gateway never had the money, when nothing is left, or when more is asked for.
    """
    if not payment.gateway:
        raise Refused("unsupported", "no gateway has this money: give it back as it came")
    most = Money(payment.currency, _free_minor(payment, only_unapplied=only_unapplied))
    if not most.minor:
        raise Refused("nothing_to_refund", "nothing of this payment is left to give back")
    if asked is None:
        return most
    if not 0 < asked.minor <= most.minor:
        raise Refused("beyond_refundable", f"what can be given back is above zero, at most {most}")
    return asked


def told_of(ours: Sequence[Ours], money: Money, at: datetime) -> tuple[Ours | None, bool]:
    """Which refund of ours a gateway tells of that has no names for them, and if that is sure.

    `ours` are those of one payment, oldest first. One that nobody knows the fate of is meant only
    where no other can be. Told again of another instant it is no second one: a person decides. None
    where it is none of ours.
    """
    alike = [each for each in ours if each.money == money and at > each.begun_at - _OFF]
    gone = [each for each in alike if each.state in GONE]
    untold = [
        each for each in gone or alike if each.told_at is None and not _is_long_over(each, at)
    ]
    meant = [each for each in alike if each.told_at == at] or untold
    if meant:
        return meant[0], True
    return (gone[0], False) if gone else (None, True)


def _is_long_over(refund: Ours, at: datetime) -> bool:
    return refund.closed_at is not None and at > refund.closed_at + _OFF


def _free_minor(payment: Holding, *, only_unapplied: bool) -> int:
    if only_unapplied:
        return payment.free_minor
    kept_minor = payment.received_minor + payment.lost_minor - payment.returned_minor
    return max(0, kept_minor - payment.reserved_minor)
