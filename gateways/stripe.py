"""Stripe's dialect: the signature on a delivery, and what its events tell about money."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from domain import money
from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import Fact, FactClass, FactKey, Ignored, Move, Reading, Report, Status, Trust
from domain.money import Money
from gateways import strict_json, stripe_signature
from gateways.port import Delivery, Envelope, Outcome, Reply, Unreadable, is_plain_name

NAME = "stripe"

Payload = Mapping[str, Any]

# Where Stripe's smallest unit is not that of ISO 4217: ISK and UGX keep two digits for old callers,
# the ariary has none. docs.stripe.com/currencies, read 2026-11-20.
_DIGITS_UNLIKE_ISO = {"ISK": 2, "UGX": 2, "MGA": 0}

_LATEST_SECOND = 2**33

_REPLIES = {
    Outcome.KEPT: Reply(200, b'{"received":true}', b"application/json"),
    Outcome.DUPLICATE: Reply(200, b'{"received":true}', b"application/json"),
    # The signature binds the body, so both are genuine; Stripe resends with changed trimmings.
    Outcome.DIFFERS: Reply(200, b'{"received":true}', b"application/json"),
    Outcome.UNTRUSTED: Reply(400, b'{"error":"refused"}', b"application/json"),
    Outcome.BUSY: Reply(503, b'{"error":"busy"}', b"application/json"),
}


class Stripe:
    """One Stripe account in one mode. `secrets` are all active ones, several during a rotation."""

    name = NAME

    def __init__(self, account: str, secrets: Sequence[str], *, is_live: bool) -> None:
        keys = tuple(secret.strip().encode() for secret in secrets)
        if not keys or not all(keys):
            raise Refused("no_webhook_secret", "STRIPE_WEBHOOK_SECRETS names no secret to trust")
        self.account = f"{account}/{'live' if is_live else 'test'}"
        self._owner = account
        self._keys = keys
        self._is_live = is_live

    def authenticate(self, delivery: Delivery, now: datetime) -> Envelope:
        """Proves by any secret that the body is Stripe's and at most five minutes off our clock."""
        header = delivery.only(b"stripe-signature")
        stripe_signature.verify(header, delivery.body, self._keys, now)
        try:
            event = strict_json.parse(delivery.body)
        except strict_json.Malformed as error:
            raise Unreadable(f"the body is no strict JSON: {error}") from error
        if not isinstance(event, dict):
            raise Unreadable("the body is no JSON object")
        return Envelope(
            account=self.account,
            event_id=_text(event, "id"),
            kind=_text(event, "type"),
            binding=None,
            headers_to_keep={"stripe-signature": header},
        )

    def read(self, raw: bytes) -> Reading:
        """One report of money in, out or back, or why the event tells nothing about ours."""
        event = _parsed(raw)
        ignored = self._not_ours(event)
        if ignored is not None:
            return ignored
        tell = _EVENTS.get(event["type"])
        if tell is None:
            return Ignored(f"{event['type']} says nothing about money that moved")
        subject = _mapping(_mapping(event, "data"), "object")
        told = tell(subject)
        if isinstance(told, Ignored):
            return told
        fact = Fact(
            key=FactKey(NAME, self.account, told.reference, told.move, told.item),
            status=told.status,
            fact_class=told.fact_class,
            money=_money(subject, told.amount_field),
            trust=Trust.DELIVERY,
            happened_at=_instant(event, "created"),
            meant_for=_meant_for(subject) if told.move is Move.IN else (),
        )
        return (Report(fact, told.names),)

    def reply(self, outcome: Outcome) -> Reply:
        """Any 2xx makes Stripe stop, anything else makes it come again for up to three days."""
        return _REPLIES[outcome]

    def _not_ours(self, event: Payload) -> Ignored | None:
        if event.get("object") != "event":
            return Ignored("a thin event carries no money")
        if event.get("account") not in (None, self._owner):
            return Ignored("the event is of another account", AttentionKind.OTHER_ACCOUNT)
        if event.get("livemode") is not self._is_live:
            return Ignored("the event is of the other mode", AttentionKind.OTHER_MODE)
        return None


@dataclass(frozen=True, slots=True)
class _Told:
    """What one payload says: which payment, how far it has come, where its amount stands."""

    reference: str
    names: tuple[str, ...]
    status: Status
    amount_field: str
    move: Move = Move.IN
    item: str = ""
    fact_class: FactClass = FactClass.PAYMENT


_Teller = Callable[[Payload], _Told | Ignored]


def _session(status: Status) -> _Teller:
    def tell(session: Payload) -> _Told | Ignored:
        if session.get("mode", "payment") != "payment":
            return Ignored("the session is no single payment")  # its money comes with its charge
        return _told(session, ("payment_intent",), status, "amount_total")

    return tell


def _completed_session(session: Payload) -> _Told | Ignored:
    """Completed means that the customer is done, not that money was taken."""
    match session.get("payment_status"):
        case "paid":
            return _session(Status.SUCCEEDED)(session)
        case "unpaid":
            return _session(Status.PENDING)(session)
        case "no_payment_required":
            return Ignored("nothing was to be paid")
        case _:
            raise Refused("malformed_event", "payment_status is none that is known")


def _intent(status: Status, amount_field: str) -> _Teller:
    def tell(intent: Payload) -> _Told:
        return _told(intent, ("id", "latest_charge"), status, amount_field)

    return tell


def _charge(status: Status) -> _Teller:
    def tell(charge: Payload) -> _Told:
        return _told(charge, ("payment_intent", "id"), status, "amount")

    return tell


def _succeeded_charge(charge: Payload) -> _Told | Ignored:
    """A charge that is only authorised has moved no money yet."""
    if charge.get("captured") is False:
        return _charge(Status.PENDING)(charge)
    return _told(charge, ("payment_intent", "id"), Status.SUCCEEDED, "amount_captured")


_REFUND_STATUSES = {
    "pending": Status.PENDING,
    "requires_action": Status.PENDING,
    "succeeded": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}


def _refund(refund: Payload) -> _Told:
    status = _REFUND_STATUSES.get(str(refund.get("status")))
    if status is None:
        raise Refused("malformed_event", "the refund's status is none that is known")
    told = _told(refund, ("payment_intent", "charge"), status, "amount")
    item = _needed(_reference(refund, "id"), "a refund has an id")
    return replace(told, move=Move.OUT, item=item, fact_class=FactClass.REFUND)


def _dispute(move: Move) -> _Teller:
    """Money moved with a dispute: the amount is the dispute's, in the currency of the charge."""

    def tell(dispute: Payload) -> _Told:
        told = _told(dispute, ("payment_intent", "charge"), Status.SUCCEEDED, "amount")
        dispute_id = _needed(_reference(dispute, "id"), "a dispute has an id")
        item = f"{dispute_id}/{_moved_by(dispute, move)}"
        return replace(told, move=move, item=item, fact_class=FactClass.CHARGEBACK)

    return tell


def _moved_by(dispute: Payload, move: Move) -> str:
    """The balance transaction that took the money, or brought it back; empty when none is named."""
    entries = dispute.get("balance_transactions")
    for entry in reversed(entries) if isinstance(entries, list) else ():
        amount = entry.get("amount") if isinstance(entry, dict) else None
        if type(amount) is int and (amount < 0) is (move is Move.OUT):
            return _reference(entry, "id") or ""
    return ""


def _needed(name: str | None, law: str) -> str:
    if name is None:
        raise Refused("malformed_event", law)
    return name


def _opened_dispute(_: Payload) -> Ignored:
    return Ignored("a dispute moves no money by being opened", AttentionKind.DISPUTE_OPENED)


def _closed_dispute(_: Payload) -> Ignored:
    return Ignored("a dispute moves no money by being closed")


_EVENTS: Mapping[str, _Teller] = {
    "checkout.session.completed": _completed_session,
    "checkout.session.async_payment_succeeded": _session(Status.SUCCEEDED),
    "checkout.session.async_payment_failed": _session(Status.FAILED),
    "payment_intent.succeeded": _intent(Status.SUCCEEDED, "amount_received"),
    "payment_intent.processing": _intent(Status.PENDING, "amount"),
    "payment_intent.payment_failed": _intent(Status.FAILED, "amount"),
    "payment_intent.canceled": _intent(Status.FAILED, "amount"),
    "charge.succeeded": _succeeded_charge,
    "charge.pending": _charge(Status.PENDING),
    "charge.failed": _charge(Status.FAILED),
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _opened_dispute,
    "charge.dispute.closed": _closed_dispute,
    "charge.dispute.funds_withdrawn": _dispute(Move.OUT),
    "charge.dispute.funds_reinstated": _dispute(Move.BACK),
}


def _told(subject: Payload, name_fields: Sequence[str], status: Status, amount_field: str) -> _Told:
    """The first name that is there is the main one: pi, or ch where there is no pi."""
    names = tuple(name for field in name_fields if (name := _reference(subject, field)))
    if not names:
        raise Refused("malformed_event", "it names neither a payment intent nor a charge")
    return _Told(names[0], names, status, amount_field)


def _reference(subject: Payload, field: str) -> str | None:
    """A payment's name, plain or as an expanded object; None when there is none."""
    value = subject.get(field)
    if isinstance(value, dict):
        value = value.get("id")
    if value is None:
        return None
    if not isinstance(value, str) or not is_plain_name(value):
        raise Refused("malformed_event", f"{field} is no id")
    return value


def _money(subject: Payload, field: str) -> Money:
    minor, code = subject.get(field), subject.get("currency")
    if type(minor) is not int or minor <= 0:
        raise Refused("malformed_amount", f"{field} is no positive whole number")
    if not isinstance(code, str):
        raise Refused("unknown_currency", "currency is no text")
    currency = code.upper()
    digits = money.exponent(currency)
    surplus = _DIGITS_UNLIKE_ISO.get(currency, digits) - digits
    if surplus < 0:
        return money.within_bounds(Money(currency, minor * 10**-surplus))
    whole, rest = divmod(minor, 10**surplus)
    if rest:
        raise Refused("malformed_amount", f"{field} has digits that {currency} does not have")
    return money.within_bounds(Money(currency, whole))


def _meant_for(subject: Payload) -> tuple[str, ...]:
    """Our own references as they came back."""
    metadata = subject.get("metadata")
    named = metadata.get("invoice_id") if isinstance(metadata, dict) else None
    for value in (named, subject.get("client_reference_id")):
        if isinstance(value, str) and value.strip():
            return (_safe_name(value.strip()),)
    return ()


def _safe_name(text: str) -> str:
    """The name itself, or a readable form of a monstrous one that no invoice can have."""
    if len(text) <= 255 and text.isprintable():
        return text
    return (
        "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:80])
        + "…"
    )


def _instant(event: Payload, field: str) -> datetime:
    second = event.get(field)
    if type(second) is not int or not 0 < second < _LATEST_SECOND:
        raise Refused("malformed_event", f"{field} is no instant")
    return datetime.fromtimestamp(second, UTC)


def _parsed(raw: bytes) -> Payload:
    try:
        event = strict_json.parse(raw)
    except strict_json.Malformed as error:
        raise Refused("malformed_event", f"no strict JSON: {error}") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Refused("malformed_event", "it is no event")
    return event


def _mapping(parent: Payload, field: str) -> Payload:
    value = parent.get(field)
    if not isinstance(value, dict):
        raise Refused("malformed_event", f"{field} is no object")
    return value


def _text(event: Payload, field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str):
        raise Unreadable(f"{field} is no text")
    return value
