"""What each of Stripe's events tells of a payment."""

from collections.abc import Callable, Mapping

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import Ask, AttemptEnd, Ending, Ignored, Move, Reading, Status
from gateways import stripe_fields as fields
from gateways import stripe_reports as reports
from gateways.stripe_fields import Payload
from gateways.stripe_reports import NAME, Source

_Teller = Callable[[Source, Payload], Reading]


def tell(kind: str, source: Source, subject: Payload) -> Reading:
    """What the object of an event of this kind tells."""
    teller = _TELLERS.get(kind)
    if teller is None:
        return Ignored(f"{kind} says nothing about money that moved")
    return teller(source, subject)


def may_tell(kind: str) -> bool:
    """Whether events of this kind are about money at all."""
    return kind in _TELLERS


def _session(status: Status) -> _Teller:
    def told(source: Source, session: Payload) -> Reading:
        if session.get("mode", "payment") != "payment":
            return Ignored("the session is no single payment")  # its money comes with its charge
        names = fields.names(session, "payment_intent")
        return (reports.payment(source, session, names, status, "amount_total"),)

    return told


def _completed_session(source: Source, session: Payload) -> Reading:
    """Completed means that the customer is done, not that money was taken."""
    match session.get("payment_status"):
        case "paid":
            return _session(Status.SUCCEEDED)(source, session)
        case "unpaid":
            return _session(Status.PENDING)(source, session)
        case "no_payment_required":
            return Ignored("nothing was to be paid")
        case _:
            raise Refused("malformed_event", "payment_status is none that is known")


def _expired_session(source: Source, session: Payload) -> Reading:
    """Nobody paid in time; a session that expires has no payment intent that could tell it."""
    return (_end(source, session, fields.reference(session, "id"), Ending.EXPIRED),)


def _intent(status: Status, amount_field: str) -> _Teller:
    def told(source: Source, intent: Payload) -> Reading:
        names = fields.names(intent, "id", "latest_charge")
        return (reports.payment(source, intent, names, status, amount_field),)

    return told


def _canceled_intent(source: Source, intent: Payload) -> Reading:
    failed = _intent(Status.FAILED, "amount")(source, intent)
    assert isinstance(failed, tuple)
    return (*failed, _end(source, intent, None, Ending.CANCELLED))


def _end(source: Source, subject: Payload, session: str | None, ending: Ending) -> AttemptEnd:
    return AttemptEnd(NAME, source.account, fields.meant_for(subject), session, ending)


def _charge(status: Status) -> _Teller:
    def told(source: Source, charge: Payload) -> Reading:
        names = fields.names(charge, "payment_intent", "id")
        return (reports.payment(source, charge, names, status, "amount"),)

    return told


def _succeeded_charge(source: Source, charge: Payload) -> Reading:
    """A charge that is only authorised has moved no money yet."""
    if charge.get("captured") is False:
        return _charge(Status.PENDING)(source, charge)
    names = fields.names(charge, "payment_intent", "id")
    return (reports.payment(source, charge, names, Status.SUCCEEDED, "amount_captured"),)


def _updated_charge(source: Source, charge: Payload) -> Reading:
    """An asynchronous capture is over when the balance transaction appears, and with it the fee."""
    transaction = charge.get("balance_transaction")
    if transaction is None:
        return Ignored("the charge is not yet on the balance")
    if isinstance(transaction, dict):
        told = reports.fees(source, charge, [transaction])
        return tuple(told) or Ignored("the charge cost no fee")
    entry = fields.reference(charge, "balance_transaction")
    names = fields.names(charge, "payment_intent", "id")
    return (Ask(NAME, source.account, names[0], transaction=entry),)


def _refunded_charge(source: Source, charge: Payload) -> Reading:
    """A running total names no refund; booked beside the refunds themselves it would double them.

    Since API version 2022-11-15 the refunds are not in it. stripe.com/docs/upgrades,
    read 2026-11-20.
    """
    if charge.get("amount_refunded") == 0:
        return Ignored("nothing was refunded")
    names = fields.names(charge, "payment_intent", "id")
    refunded = fields.money_of(charge, "amount_refunded")
    return (Ask(NAME, source.account, names[0], refunded=refunded),)


def _refund(source: Source, refund: Payload) -> Reading:
    return (reports.refund(source, refund),)


def _dispute(move: Move) -> _Teller:
    """Money moved with a dispute, by the last balance transaction of that direction.

    Where none is named the gateway is asked: under a name of its own the same money would be booked
    once more when the transaction is told.
    """

    def told(source: Source, dispute: Payload) -> Reading:
        fields.needed(fields.reference(dispute, "id"), "a dispute has an id")
        moved = reports.entries(dispute, move)
        if not moved:
            names = fields.names(dispute, "payment_intent", "charge")
            return (Ask(NAME, source.account, names[0]),)
        fees = reports.fees(source, dispute, fields.entries(dispute, "balance_transactions"))
        return (reports.dispute(source, dispute, moved[-1]), *fees)

    return told


def _opened_dispute(_: Source, __: Payload) -> Reading:
    return Ignored("a dispute moves no money by being opened", AttentionKind.DISPUTE_OPENED)


def _closed_dispute(_: Source, __: Payload) -> Reading:
    return Ignored("a dispute moves no money by being closed")


_TELLERS: Mapping[str, _Teller] = {
    "checkout.session.completed": _completed_session,
    "checkout.session.expired": _expired_session,
    "checkout.session.async_payment_succeeded": _session(Status.SUCCEEDED),
    "checkout.session.async_payment_failed": _session(Status.FAILED),
    "payment_intent.succeeded": _intent(Status.SUCCEEDED, "amount_received"),
    "payment_intent.processing": _intent(Status.PENDING, "amount"),
    "payment_intent.payment_failed": _intent(Status.FAILED, "amount"),
    "payment_intent.canceled": _canceled_intent,
    "charge.succeeded": _succeeded_charge,
    "charge.captured": _succeeded_charge,
    "charge.updated": _updated_charge,
    "charge.pending": _charge(Status.PENDING),
    "charge.failed": _charge(Status.FAILED),
    "charge.refunded": _refunded_charge,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _opened_dispute,
    "charge.dispute.closed": _closed_dispute,
    "charge.dispute.funds_withdrawn": _dispute(Move.OUT),
    "charge.dispute.funds_reinstated": _dispute(Move.BACK),
}
