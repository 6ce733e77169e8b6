"""Refunds that we start: how much of a payment can be promised back."""

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


def _free_minor(payment: Holding, *, only_unapplied: bool) -> int:
    if only_unapplied:
        return payment.free_minor
    kept_minor = payment.received_minor + payment.lost_minor - payment.returned_minor
    return max(0, kept_minor - payment.reserved_minor)
