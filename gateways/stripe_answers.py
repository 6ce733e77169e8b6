"""What Stripe answers when it is asked about a payment: the whole truth of it at that moment."""

from collections.abc import Iterator

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import Ignored, Move, Reading, Report, Status, Trust
from gateways import stripe_fields as fields
from gateways import stripe_reports as reports
from gateways.stripe_fields import Payload
from gateways.stripe_reports import Source

# What our frame around Stripe's own words is called; no event is called so, and none has no type.
OBJECT = "lookup"

_INTENT_STATUSES = {
    "requires_payment_method": Status.PENDING,
    "requires_confirmation": Status.PENDING,
    "requires_action": Status.PENDING,
    "processing": Status.PENDING,
    "requires_capture": Status.PENDING,
    "canceled": Status.FAILED,
    "succeeded": Status.SUCCEEDED,
}
_CHARGE_STATUSES = {
    "pending": Status.PENDING,
    "failed": Status.FAILED,
    "succeeded": Status.SUCCEEDED,
}


def read(answer: Payload, account: str, *, is_live: bool) -> Reading:
    """Everything that moved by this payment: what came, what went back, and what it cost."""
    payment = fields.mapping(answer, "payment")
    if payment.get("livemode") is not is_live:
        return Ignored("the payment is of the other mode", AttentionKind.OTHER_MODE)
    intent, charge = _parts(payment)
    return (
        _payment(account, intent, charge),
        *_fees(account, charge),
        *_refunds(account, answer),
        *_disputes(account, answer),
    )


def _parts(payment: Payload) -> tuple[Payload | None, Payload | None]:
    """The payment intent and the charge; None for what Stripe did not show."""
    match payment.get("object"):
        case "payment_intent":
            return payment, _shown(payment, "latest_charge")
        case "charge":
            return _shown(payment, "payment_intent"), payment
        case _:
            raise Refused("malformed_answer", "it is neither a payment intent nor a charge")


def _shown(parent: Payload, field: str) -> Payload | None:
    value = parent.get(field)
    return value if isinstance(value, dict) else None


def _payment(account: str, intent: Payload | None, charge: Payload | None) -> Report:
    first = charge or intent
    assert first is not None, "one of them was asked for"
    source = _source(account, first)
    if intent is None:
        assert charge is not None
        names = fields.names(charge, "payment_intent", "id")
        return reports.payment(source, charge, names, *_charged(charge))
    names = fields.names(intent, "id", "latest_charge")
    if charge is not None:
        names = tuple(dict.fromkeys((*names, *fields.names(charge, "id"))))
    return reports.payment(source, intent, names, *_intended(intent))


def _intended(intent: Payload) -> tuple[Status, str]:
    status = _INTENT_STATUSES.get(str(intent.get("status")))
    if status is None:
        raise Refused("malformed_answer", "the payment intent's status is none that is known")
    if status is Status.PENDING and intent.get("last_payment_error"):
        status = Status.FAILED
    return status, "amount_received" if status is Status.SUCCEEDED else "amount"


def _charged(charge: Payload) -> tuple[Status, str]:
    status = _CHARGE_STATUSES.get(str(charge.get("status")))
    if status is None:
        raise Refused("malformed_answer", "the charge's status is none that is known")
    if status is Status.SUCCEEDED and charge.get("captured") is False:
        status = Status.PENDING  # only authorised
    return status, "amount_captured" if status is Status.SUCCEEDED else "amount"


def _fees(account: str, charge: Payload | None) -> list[Report]:
    if charge is None:
        return []
    return reports.fees(_source(account, charge), charge, [charge.get("balance_transaction")])


def _refunds(account: str, answer: Payload) -> Iterator[Report]:
    for refund in _listed(answer, "refunds"):
        source = _source(account, refund)
        yield reports.refund(source, refund)
        yield from reports.fees(source, refund, [refund.get("balance_transaction")])


def _disputes(account: str, answer: Payload) -> Iterator[Report]:
    for dispute in _listed(answer, "disputes"):
        for entry in reports.entries(dispute, Move.OUT, Move.BACK):
            source = _source(account, entry)
            yield reports.dispute(source, dispute, entry)
            yield from reports.fees(source, dispute, [entry])


def _listed(answer: Payload, field: str) -> Iterator[Payload]:
    """The objects on every page of a list."""
    for page in fields.entries(answer, field):
        yield from fields.entries(page, "data")


def _source(account: str, told: Payload) -> Source:
    return Source(account, Trust.LOOKUP, fields.instant(told, "created"))
