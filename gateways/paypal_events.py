"""What each of PayPal's events hints at; nothing of it is booked before the API has confirmed it.

The signature does not bind the body, so an event's own words are looked at for two things only:
which thing to ask about, and whether it is well-formed at all.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from domain.attention import AttentionKind
from domain.facts import Approval, Ask, Ignored, Reading
from gateways import paypal_fields as fields
from gateways.paypal_fields import NAME, Payload

ORDER = "order:"  # before an order's id where it stands for a payment's


@dataclass(frozen=True, slots=True)
class Listener:
    """Whose events are read; links count when they lead to one of these origins."""

    account: str
    origins: Collection[str]


_Teller = Callable[[Listener, Payload], Reading]


def tell(kind: str, listener: Listener, subject: Payload) -> Reading:
    """What the resource of an event of this kind hints at."""
    teller = _TELLERS.get(kind)
    if teller is None:
        return Ignored(f"{kind} says nothing about money that moved")
    return teller(listener, subject)


def may_tell(kind: str) -> bool:
    """Whether events of this kind are about money at all."""
    return kind in _TELLERS


def _capture(listener: Listener, capture: Payload) -> Reading:
    fields.money_of(capture, "amount")
    return (_ask(listener, fields.identity(capture)),)


def _refund(listener: Listener, refund: Payload) -> Reading:
    """The refund is named, too: an order does not list every reversal."""
    fields.money_of(refund, "amount")
    capture = fields.capture_above(refund, listener.origins)
    return (_ask(listener, f"{capture}/{fields.identity(refund)}"),)


def _approved_order(listener: Listener, order: Payload) -> Reading:
    if order.get("intent") != "CAPTURE":
        return Ignored("the order is not to be captured")
    return (Approval(NAME, listener.account, fields.identity(order)),)


def _completed_order(listener: Listener, order: Payload) -> Reading:
    """Completed is the order; each capture may still be pending, or declined."""
    captures = [
        fields.identity(capture)
        for unit in fields.entries(order, "purchase_units")
        for capture in fields.entries(fields.maybe(unit, "payments"), "captures")
    ]
    names = dict.fromkeys(captures) or [f"{ORDER}{fields.identity(order)}"]
    return tuple(_ask(listener, name) for name in names)


def _opened_dispute(_: Listener, __: Payload) -> Reading:
    return Ignored("a dispute moves no money by being opened", AttentionKind.DISPUTE_OPENED)


def _updated_dispute(_: Listener, __: Payload) -> Reading:
    return Ignored("a dispute moves no money by going on")


def _resolved_dispute(listener: Listener, dispute: Payload) -> Reading:
    """Its money comes by events of its own; should one be lost, the answer has it."""
    captures = [
        fields.identity(each, "seller_transaction_id")
        for each in fields.entries(dispute, "disputed_transactions")
    ]
    if not captures:
        return Ignored("the dispute names no payment")
    return tuple(_ask(listener, name) for name in dict.fromkeys(captures))


def _ask(listener: Listener, reference: str) -> Ask:
    return Ask(NAME, listener.account, reference, is_hint=True)


_TELLERS: Mapping[str, _Teller] = {
    "CHECKOUT.ORDER.APPROVED": _approved_order,
    "CHECKOUT.ORDER.COMPLETED": _completed_order,
    "PAYMENT.CAPTURE.COMPLETED": _capture,
    "PAYMENT.CAPTURE.PENDING": _capture,
    "PAYMENT.CAPTURE.DECLINED": _capture,
    "PAYMENT.CAPTURE.DENIED": _capture,
    "PAYMENT.CAPTURE.REFUNDED": _refund,
    "PAYMENT.CAPTURE.REVERSED": _refund,
    "CUSTOMER.DISPUTE.CREATED": _opened_dispute,
    "CUSTOMER.DISPUTE.UPDATED": _updated_dispute,
    "CUSTOMER.DISPUTE.RESOLVED": _resolved_dispute,
}
