"""PayPal's dialect: a signature that proves little, so that everything of money is asked for."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import Ignored, Reading
from gateways import json_events, paypal_answers, paypal_events, paypal_signature
from gateways import paypal_fields as fields
from gateways.capabilities import Capabilities, Disputes, Verb
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from gateways.paypal_events import Listener
from gateways.paypal_fields import NAME, Payload
from gateways.port import (
    Delivery,
    Envelope,
    Form,
    NeedsKey,
    Occurrence,
    Order,
    Outcome,
    Repayment,
    Reply,
    Session,
    Taken,
    is_plain_name,
)

ANYBODY = "own"  # the merchant whose id nobody told us
_SIMULATOR = "WEBHOOK_ID"
_WEBHOOK_ID = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)

_NO_KEY = (
    "PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET are not set, so PayPal cannot be asked; set them,"
    " then replay or retry"
)

# PayPal closes no order by request; one that nobody agrees to ends within hours.
_ASKING = frozenset(Verb) - {Verb.EXPIRE, Verb.FORM}

# developer.paypal.com/reference/guidelines/idempotency, read 2026-11-20: 45 days.
_REFUND_MEMORY = timedelta(days=44)

_REPLIES = {
    Outcome.KEPT: Reply(200, b'{"received":true}', b"application/json"),
    Outcome.DUPLICATE: Reply(200, b'{"received":true}', b"application/json"),
    # The signature fits many bodies: of two under one transmission one is forged.
    Outcome.DIFFERS: Reply(400, b'{"error":"refused"}', b"application/json"),
    Outcome.UNTRUSTED: Reply(400, b'{"error":"refused"}', b"application/json"),
    Outcome.MALFORMED: Reply(400, b'{"error":"refused"}', b"application/json"),
    Outcome.BUSY: Reply(503, b'{"error":"busy"}', b"application/json"),
}


class PayPal:
    """One PayPal merchant in one mode; `webhook_id` is what PayPal calls our address.

    `api` is the way to ask, which all of its money takes; None where there is no key to ask with.
    """

    name = NAME

    def __init__(
        self,
        merchant: str,
        webhook_id: str,
        certificates: Certificates,
        *,
        is_live: bool,
        api: PayPalApi | None = None,
    ) -> None:
        if webhook_id == _SIMULATOR:
            raise Refused(
                "simulator_webhook_id",
                "PAYPAL_WEBHOOK_ID is what PayPal's simulator signs with, for anybody who asks: set"
                " the id of your own webhook",
            )
        if not _WEBHOOK_ID.fullmatch(webhook_id):
            raise Refused("no_webhook_id", "PAYPAL_WEBHOOK_ID is no id of a webhook")
        self.account = f"{merchant}/{'live' if is_live else 'test'}"
        self.capabilities = Capabilities(
            verbs=_ASKING if api else frozenset(),
            is_proof=False,
            tells_fees=api is not None,
            tells_refunds=api is not None,
            tells_disputes=Disputes.MOVES if api else Disputes.UNTOLD,
            remembers_refunds=_REFUND_MEMORY,
        )
        self._merchant = merchant
        self._webhook_id = webhook_id
        self._certificates = certificates
        self._api = api
        self._listener = Listener(self.account, fields.origins(api.base if api else None))

    def authenticate(
        self, delivery: Delivery, keys: Mapping[str, bytes], now: datetime
    ) -> Envelope:
        """Proves that PayPal sent something under this transmission id, to us, within four days."""
        proof = paypal_signature.proof(delivery, now)
        self._certificates.allow(proof.address)
        pem = keys.get(proof.address)
        if pem is None:
            raise NeedsKey(proof.address)
        key = self._certificates.key(proof.address, pem, now)
        paypal_signature.verify(proof, self._webhook_id, delivery.body, key)
        event = json_events.arrived(delivery.body)
        return Envelope(
            account=self.account,
            event_id=json_events.text(event, "id"),
            kind=json_events.text(event, "event_type"),
            binding=proof.transmission_id,
            headers_to_keep=proof.headers,
        )

    def read(self, raw: bytes) -> Reading:
        """What an event hints at, or what an answer of ours to ask for tells."""
        told = json_events.kept(raw)
        if told.get("object") == paypal_answers.OBJECT and "event_type" not in told:
            subjects = paypal_answers.orders_and_captures(told)
            return self._others(*subjects) or paypal_answers.read(told, self._listener)
        kind = told.get("event_type")
        if not isinstance(kind, str) or not is_plain_name(kind):
            raise Refused("malformed_event", "it is no event")
        resource = fields.mapping(told, "resource")
        return self._others(resource) or paypal_events.tell(kind, self._listener, resource)

    def reply(self, outcome: Outcome) -> Reply:
        """Any 2xx makes PayPal stop, anything else makes it come again up to 25 times in 3 days."""
        return _REPLIES[outcome]

    def lookup(self, reference: str) -> bytes:
        """Asks for a capture, `CAPTURE/REFUND` for one with a refund, or `order:ORDER`."""
        return self._asked().payment(reference)

    def reported(self, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """PayPal's own list of the events it had for us; each is a hint, as its delivery is."""
        listed = self._asked().occurrences(since, until)
        return (each for each in listed if paypal_events.may_tell(each.kind))

    def event(self, event_id: str) -> bytes:
        """One of those events, as PayPal prints it now."""
        return self._asked().event(event_id)

    def capture(self, order_id: str) -> bytes:
        """Takes the money of an order that its customer agreed to; the order as it is after it."""
        return self._asked().capture(order_id)

    def refund(self, repayment: Repayment) -> Taken:
        """Gives money of a capture back; a lookup tells how it ended."""
        return self._asked().refund(repayment)

    def serves(self, currency: str) -> bool:
        """The currencies of PayPal's own list, which the leu is not in, once there is a key."""
        return self._api is not None and currency in fields.CURRENCIES

    def hosted_link(self, order: Order) -> Session:
        """Opens an order at PayPal, or answers the one it already has under this key."""
        return self._asked().open_order(order)

    def form(self, order: Order) -> Form:
        """A page of PayPal's has an address."""
        raise Refused("unsupported", f"PayPal's page has an address, and {order.order_id} no form")

    def expire(self, session_id: str) -> None:
        """PayPal closes no order by request; one that nobody agrees to ends within hours."""
        raise Refused("unsupported", f"PayPal closes no order by request, nor {session_id}")

    def _asked(self) -> PayPalApi:
        if self._api is None:
            raise Refused("unsupported", _NO_KEY)
        return self._api

    def _others(self, *subjects: Payload) -> Ignored | None:
        """Why it is none of our money; None where it is, or where nobody told who we are."""
        named = {name for subject in subjects for name in fields.merchants(subject)}
        if self._merchant == ANYBODY or named <= {self._merchant}:
            return None
        return Ignored("the event is of another account", AttentionKind.OTHER_ACCOUNT)
