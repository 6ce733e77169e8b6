"""What PayPal answers when it is asked, or told to capture: the whole truth of an order's money."""

from collections.abc import Iterator

from domain.errors import Refused
from domain.facts import Fact, FactClass, FactKey, Ignored, Move, Reading, Report, Status, Trust
from domain.money import Money
from gateways import paypal_fields as fields
from gateways.paypal_events import Listener
from gateways.paypal_fields import NAME, Payload

# What our frame around PayPal's own words is called; no event is called so.
OBJECT = "lookup"

_CAPTURE_STATUSES = {
    "PENDING": Status.PENDING,
    "DECLINED": Status.FAILED,
    "FAILED": Status.FAILED,
    "COMPLETED": Status.SUCCEEDED,
    "PARTIALLY_REFUNDED": Status.SUCCEEDED,
    "REFUNDED": Status.SUCCEEDED,
}
_REFUND_STATUSES = {
    "PENDING": Status.PENDING,
    "COMPLETED": Status.SUCCEEDED,
    "FAILED": Status.FAILED,
    "CANCELLED": Status.FAILED,
}

# How PayPal notes what it took back itself, seen in its own samples; a refund has a seller's note.
_TAKEN_BACK = "payment reversed"


def framed(capture: bytes | None, order: bytes | None, *refunds: bytes) -> bytes:
    """PayPal's answers side by side, each as it came, so that the same answers have one hash."""
    parts = (capture or b"null", order or b"null", b",\n".join(refunds))
    return b'{"object":"lookup","capture":%b,\n"order":%b,\n"refunds":[%b]}' % parts


def read(answer: Payload, listener: Listener) -> Reading:
    """Everything that moved by these captures: what came, what went back, and what it cost."""
    captures = _captures(answer)
    if not captures:
        return Ignored("nothing of the order was captured")
    units = tuple(_units(answer))
    return tuple(
        report
        for capture in captures.values()
        for report in (
            *_payment(listener.account, capture, units),
            *_returns(listener, answer, fields.identity(capture), captures),
        )
    )


def orders_and_captures(answer: Payload) -> Iterator[Payload]:
    """Whatever in an answer may name a merchant."""
    yield from (fields.maybe(answer, name) for name in ("capture", "order"))


def _units(answer: Payload) -> Iterator[Payload]:
    yield from fields.entries(fields.maybe(answer, "order"), "purchase_units")


def _captures(answer: Payload) -> dict[str, Payload]:
    """The captures by id; one that was asked for by itself is shown in full."""
    alone = fields.maybe(answer, "capture")
    listed = [
        capture
        for unit in _units(answer)
        for capture in fields.entries(fields.maybe(unit, "payments"), "captures")
    ]
    shown = [*listed, *([alone] if alone else [])]
    return {fields.identity(capture): capture for capture in shown}


def _payment(account: str, capture: Payload, units: tuple[Payload, ...]) -> Iterator[Report]:
    status = _CAPTURE_STATUSES.get(str(capture.get("status")))
    if status is None:
        raise Refused("malformed_answer", "the capture's status is none that is known")
    id_ = fields.identity(capture)
    # Once completed, later updates are those of its refunds.
    is_fresh = capture.get("status") in ("COMPLETED", "DECLINED", "FAILED")
    at = ("update_time", "create_time") if is_fresh else ("create_time", "update_time")
    fact = Fact(
        key=FactKey(NAME, account, id_, Move.IN, ""),
        status=status,
        fact_class=FactClass.PAYMENT,
        money=fields.money_of(capture, "amount"),
        trust=Trust.LOOKUP,
        happened_at=fields.instant(capture, *at),
        meant_for=fields.meant_for(capture, *(units if len(units) == 1 else ())),
    )
    yield Report(fact, (id_,))
    breakdown = fields.maybe(capture, "seller_receivable_breakdown")
    if status is Status.SUCCEEDED and (fee := _fee(breakdown)):
        yield _moved(fact, (Move.FEE, id_), (Status.SUCCEEDED, FactClass.FEE), fee)


def _returns(
    listener: Listener, answer: Payload, capture: str, captures: dict[str, Payload]
) -> Iterator[Report]:
    for refund in _refunds(answer).values():
        is_only = len(captures) == 1 and fields.link(refund, "up") is None
        above = capture if is_only else fields.capture_above(refund, listener.origins)
        if above == capture:
            yield from _return(listener.account, refund, capture)


def _refunds(answer: Payload) -> dict[str, Payload]:
    """The refunds by id; one that was asked for by itself is shown in full."""
    listed = [
        refund
        for unit in _units(answer)
        for refund in fields.entries(fields.maybe(unit, "payments"), "refunds")
    ]
    shown = [*listed, *fields.entries(answer, "refunds")]
    return {fields.identity(refund): refund for refund in shown}


def _return(account: str, refund: Payload, capture: str) -> Iterator[Report]:
    status = _REFUND_STATUSES.get(str(refund.get("status")))
    if status is None:
        raise Refused("malformed_answer", "the refund's status is none that is known")
    note = refund.get("note_to_payer")
    is_taken = isinstance(note, str) and note.strip().lower() == _TAKEN_BACK
    id_ = fields.identity(refund)
    fact = Fact(
        key=FactKey(NAME, account, capture, Move.OUT, id_),
        status=status,
        fact_class=FactClass.CHARGEBACK if is_taken else FactClass.REFUND,
        money=fields.money_of(refund, "amount"),
        trust=Trust.LOOKUP,
        happened_at=fields.instant(refund, "create_time", "update_time"),
    )
    yield Report(fact, (capture,))
    breakdown = fields.maybe(refund, "seller_payable_breakdown")
    if status is Status.SUCCEEDED and (fee := _fee(breakdown)):
        yield _moved(fact, (Move.REBATE, id_), (Status.SUCCEEDED, FactClass.FEE), fee)


def _fee(breakdown: Payload) -> Money | None:
    """What PayPal kept, or gave back; None where it was nothing, or is not told yet."""
    if breakdown.get("paypal_fee") is None:
        return None
    fee = fields.amount(breakdown, "paypal_fee")
    return fee if fee.minor else None


def _moved(
    by: Fact, moved: tuple[Move, str], how: tuple[Status, FactClass], money: Money
) -> Report:
    """A report of what a payment or a refund brought with it."""
    key = FactKey(NAME, by.key.account, by.key.reference, *moved)
    fact = Fact(key, *how, money=money, trust=by.trust, happened_at=by.happened_at)
    return Report(fact, (key.reference,))
