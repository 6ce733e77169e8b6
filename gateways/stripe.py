"""Stripe's dialect: the signature on a delivery, and what its events and answers tell of money."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import Ask, Ignored, Reading, Trust
from gateways import (
    json_events,
    stripe_answers,
    stripe_checkout,
    stripe_events,
    stripe_reports,
    stripe_signature,
)
from gateways import stripe_fields as fields
from gateways.capabilities import Capabilities, Disputes, Verb
from gateways.port import (
    Delivery,
    Envelope,
    Form,
    Occurrence,
    Order,
    Outcome,
    Repayment,
    Reply,
    Session,
    Taken,
    is_plain_name,
)
from gateways.stripe_api import StripeApi
from gateways.stripe_fields import Payload
from gateways.stripe_reports import Source

NAME = stripe_reports.NAME

_NO_KEY = "STRIPE_API_KEY is not set, so Stripe cannot be asked; set it, then replay or retry"

# Stripe takes the money itself when a customer pays on its page.
_ASKING = frozenset(Verb) - {Verb.CAPTURE, Verb.FORM}

# docs.stripe.com/api/idempotent_requests, read 2026-11-20: 24 hours; less an answer.
_REFUND_MEMORY = timedelta(hours=23)

_REPLIES = {
    Outcome.KEPT: Reply(200, b'{"received":true}', b"application/json"),
    Outcome.DUPLICATE: Reply(200, b'{"received":true}', b"application/json"),
    # The signature binds the body, so both are genuine; Stripe resends with changed trimmings.
    Outcome.DIFFERS: Reply(200, b'{"received":true}', b"application/json"),
    Outcome.UNTRUSTED: Reply(400, b'{"error":"refused"}', b"application/json"),
    Outcome.MALFORMED: Reply(400, b'{"error":"refused"}', b"application/json"),
    Outcome.BUSY: Reply(503, b'{"error":"busy"}', b"application/json"),
}


class Stripe:
    """One Stripe account in one mode. `secrets` are all active ones, several during a rotation.

    `api` is the way to ask back; None where there is no key to ask with.
    """

    name = NAME

    def __init__(
        self,
        account: str,
        secrets: Sequence[str],
        *,
        is_live: bool,
        api: StripeApi | None = None,
    ) -> None:
        keys = tuple(secret.strip().encode() for secret in secrets)
        if not keys or not all(keys):
            raise Refused("no_webhook_secret", "STRIPE_WEBHOOK_SECRETS names no secret to trust")
        self.account = f"{account}/{'live' if is_live else 'test'}"
        self.capabilities = Capabilities(
            verbs=_ASKING if api else frozenset(),
            is_proof=True,
            tells_fees=api is not None,
            tells_refunds=True,
            tells_disputes=Disputes.MOVES,
            remembers_refunds=_REFUND_MEMORY,
        )
        self._owner = account
        self._keys = keys
        self._is_live = is_live
        self._api = api

    def authenticate(
        self, delivery: Delivery, keys: Mapping[str, bytes], now: datetime
    ) -> Envelope:
        """Proves by any secret that the body is Stripe's and at most five minutes off our clock."""
        header = delivery.only(b"stripe-signature")
        stripe_signature.verify(header, delivery.body, self._keys, now)
        event = json_events.arrived(delivery.body)
        return Envelope(
            account=self.account,
            event_id=json_events.text(event, "id"),
            kind=json_events.text(event, "type"),
            binding=None,
            headers_to_keep={"stripe-signature": header},
        )

    def read(self, raw: bytes) -> Reading:
        """What an event, or an answer of ours to ask for, tells; or why it tells nothing."""
        told = json_events.kept(raw)
        if told.get("object") == stripe_answers.OBJECT and "type" not in told:
            return stripe_answers.read(told, self.account, is_live=self._is_live)
        kind = told.get("type")
        if not isinstance(kind, str) or not is_plain_name(kind):
            raise Refused("malformed_event", "it is no event")
        return self._not_ours(told) or self._told(told)

    def lookup(self, reference: str) -> bytes:
        """Asks Stripe for everything about a payment, by the name of its intent or its charge."""
        return self._asked().payment(reference)

    def capture(self, order_id: str) -> bytes:
        """Stripe takes the money itself when a customer pays on its page."""
        raise Refused("unsupported", f"Stripe captures by itself, and has no order {order_id}")

    def refund(self, repayment: Repayment) -> Taken:
        """Gives money back; the refund's own events, and a lookup, tell how it ended."""
        return self._asked().refund(repayment)

    def serves(self, currency: str) -> bool:
        """Nearly every currency, once there is a key to open a session with."""
        return self._api is not None and stripe_checkout.serves(currency)

    def hosted_link(self, order: Order) -> Session:
        """Opens a Checkout Session for the order, or answers the one it already has."""
        return self._asked().open_session(order)

    def form(self, order: Order) -> Form:
        """A page of Stripe's has an address."""
        raise Refused("unsupported", f"Stripe's page has an address, and {order.order_id} no form")

    def expire(self, session_id: str) -> None:
        """Closes a Checkout Session, so that nobody pays there any more."""
        self._asked().close_session(session_id)

    def reported(self, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """Stripe's own list of events, of which it keeps 30 days."""
        listed = self._asked().occurrences(since, until)
        return (each for each in listed if stripe_events.may_tell(each.kind))

    def event(self, event_id: str) -> bytes:
        """One of those events, as Stripe prints it now."""
        return self._asked().event(event_id)

    def reply(self, outcome: Outcome) -> Reply:
        """Any 2xx makes Stripe stop, anything else makes it come again for up to three days."""
        return _REPLIES[outcome]

    def _asked(self) -> StripeApi:
        if self._api is None:
            raise Refused("unsupported", _NO_KEY)
        return self._api

    def _told(self, event: Payload) -> Reading:
        source = Source(self.account, Trust.DELIVERY, fields.instant(event, "created"))
        subject = fields.mapping(fields.mapping(event, "data"), "object")
        reading = stripe_events.tell(event["type"], source, subject)
        if self._api is None and _asks_for_a_fee(reading):
            return Ignored("the fee is in the balance transaction; no STRIPE_API_KEY to ask for it")
        return reading

    def _not_ours(self, event: Payload) -> Ignored | None:
        if event.get("object") != "event":
            return Ignored("a thin event carries no money")
        if event.get("account") not in (None, self._owner):
            return Ignored("the event is of another account", AttentionKind.OTHER_ACCOUNT)
        if event.get("livemode") is not self._is_live:
            return Ignored("the event is of the other mode", AttentionKind.OTHER_MODE)
        return None


def _asks_for_a_fee(reading: Reading) -> bool:
    return isinstance(reading, tuple) and any(
        isinstance(each, Ask) and each.transaction is not None for each in reading
    )
