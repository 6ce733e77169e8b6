"""NETOPIA's dialect: a token that binds the body, and statuses of payments that have one name."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from domain.errors import Refused
from domain.facts import Reading, Trust
from gateways import json_events, netopia_api, netopia_checkout, netopia_events, netopia_token
from gateways import netopia_fields as fields
from gateways.capabilities import Capabilities, Disputes, Verb
from gateways.netopia_api import NetopiaApi
from gateways.netopia_events import Source, Told
from gateways.netopia_fields import NAME, Payload
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
)

_POS = re.compile(r"[A-Za-z0-9-]{4,64}", re.ASCII)
_JSON = b"application/json"

_NO_KEY = "NETOPIA_API_KEY is not set, so NETOPIA cannot be asked; set it, then replay or retry"

_ASKING = frozenset((Verb.HOSTED_LINK, Verb.LOOKUP, Verb.REFUND))

_RECEIVED = Reply(200, b'{"errorType":0,"errorCode":0,"errorMessage":""}', _JSON)
# 1: come again, 2: never. One that is only not believed comes again: should our own key be the
# wrong one, nothing is lost.
_ERROR = b'{"errorType":%d,"errorCode":%d,"errorMessage":"%b"}'
_REPLIES = {
    Outcome.KEPT: _RECEIVED,
    Outcome.DUPLICATE: _RECEIVED,
    # An event is named after its bytes, so none comes with two bodies.
    Outcome.DIFFERS: _RECEIVED,
    Outcome.UNTRUSTED: Reply(200, _ERROR % (1, 0x10000101, b"refused"), _JSON),
    Outcome.MALFORMED: Reply(200, _ERROR % (2, 0x10000107, b"malformed"), _JSON),
    Outcome.BUSY: Reply(503, _ERROR % (1, 0x10000001, b"busy"), _JSON),
}


class Netopia:
    """One point of sale at NETOPIA in one mode; `public_key` has all keys that NETOPIA signs with.

    `api` is the way to ask; None where there is no key to ask with.
    """

    name = NAME

    def __init__(
        self, pos: str, public_key: str, *, is_live: bool, api: NetopiaApi | None = None
    ) -> None:
        if not _POS.fullmatch(pos):
            raise Refused(
                "no_pos_signature",
                "NETOPIA_POS_SIGNATURE is no signature of a point of sale, such as"
                " XXXX-XXXX-XXXX-XXXX-XXXX",
            )
        self.account = f"{pos}/{'live' if is_live else 'test'}"
        self.capabilities = Capabilities(
            verbs=_ASKING if api else frozenset(),
            is_proof=True,
            tells_fees=False,
            tells_refunds=False,
            tells_disputes=Disputes.LOST,
            remembers_orders=False,
            names_refunds=False,
        )
        self._pos = pos
        self._keys = netopia_token.keys(public_key)
        self._api = api

    def authenticate(self, delivery: Delivery, _: Mapping[str, bytes], now: datetime) -> Envelope:
        """Proves that NETOPIA says just this to this point of sale, within seven days.

        No event has an id there: it is named after its bytes, which a resend repeats.
        """
        token = delivery.only(netopia_token.HEADER.encode())
        netopia_token.verify(token, delivery.body, self._pos, self._keys, now)
        event = json_events.arrived(delivery.body)
        return Envelope(
            account=self.account,
            event_id=f"ipn:{sha256(delivery.body).hexdigest()}",
            kind=netopia_events.kind(fields.mapping(event, "payment").get("status")),
            binding=None,
            headers_to_keep={netopia_token.HEADER: token},
        )

    def read(self, raw: bytes) -> Reading:
        """What a payment's status tells, sent by NETOPIA or asked of it."""
        told = json_events.kept(raw)
        if told.get("object") == netopia_api.OBJECT and "payment" not in told:
            return self._answered(told)
        if told.get("object") == netopia_api.CREDIT and "payment" not in told:
            return self._given_back(told)
        return netopia_events.tell(Source(self.account, Trust.DELIVERY), _told(told, "", ""))

    def reply(self, outcome: Outcome) -> Reply:
        """An `errorType` of 0 makes NETOPIA stop, 1 makes it come again."""
        return _REPLIES[outcome]

    def lookup(self, reference: str) -> bytes:
        """Asks how a payment stands, by its ntpID, or by `NTPID/ORDER`."""
        return self._asked().payment(reference)

    def capture(self, order_id: str) -> bytes:
        """NETOPIA takes the money itself when a customer pays on its page."""
        raise Refused("unsupported", f"NETOPIA captures by itself, and has no order {order_id}")

    def refund(self, repayment: Repayment) -> Taken:
        """Gives money back; the answer is all that tells of it, and a second call gives twice."""
        return self._asked().refund(repayment)

    def reported(self, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """NETOPIA lists nothing: it is asked about one payment at a time."""
        raise Refused("unsupported", f"NETOPIA lists no events from {since} to {until}")

    def event(self, event_id: str) -> bytes:
        """NETOPIA's events have no id."""
        raise Refused("unsupported", f"NETOPIA has no event that is called {event_id}")

    def serves(self, currency: str) -> bool:
        """The leu, once there is a key."""
        return self._api is not None and currency in netopia_checkout.CURRENCIES

    def hosted_link(self, order: Order) -> Session:
        """Opens NETOPIA's page for an order; it does so once, see `NetopiaApi.open_page`."""
        return self._asked().open_page(order)

    def form(self, order: Order) -> Form:
        """A page of NETOPIA's has an address."""
        raise Refused("unsupported", f"NETOPIA's page has an address, and {order.order_id} no form")

    def expire(self, session_id: str) -> None:
        """NETOPIA closes no page by request."""
        raise Refused("unsupported", f"NETOPIA closes no page by request, nor {session_id}")

    def _asked(self) -> NetopiaApi:
        if self._api is None:
            raise Refused("unsupported", _NO_KEY)
        return self._api

    def _given_back(self, frame: Payload) -> Reading:
        asked = fields.mapping(frame, "asked")
        money = fields.money_of({**asked, "currency": frame.get("currency")})
        source = Source(self.account, Trust.LOOKUP, datetime.fromisoformat(str(frame["at"])))
        return netopia_events.given_back(source, str(asked["ntpID"]), str(frame["key"]), money)

    def _answered(self, frame: Payload) -> Reading:
        """What was asked about is known, whether or not the answer says so again."""
        ntp_id, _, order_id = str(frame.get("asked")).partition("/")
        asked_on = _midnight(frame.get("day"))
        told = _told(fields.mapping(frame, "answer"), ntp_id, order_id)
        return netopia_events.tell(Source(self.account, Trust.LOOKUP, asked_on), told)


def _midnight(day: object) -> datetime | None:
    """The beginning of a day in UTC; None where there is none."""
    try:
        return None if day is None else datetime.fromisoformat(str(day)).replace(tzinfo=UTC)
    except ValueError:
        raise Refused("malformed_answer", "the day of the answer is none") from None


def _told(told: Payload, ntp_id: str, order_id: str) -> Told:
    """The payment that something is told of; Refused where nobody says which."""
    order, payment = fields.mapping(told, "order"), fields.mapping(told, "payment")
    if order_id and order.get("orderID") not in (None, "", order_id):
        raise Refused("malformed_answer", f"asked about {order_id[:80]}, NETOPIA told of another")
    if order_id:
        order = {**order, "orderID": order_id}
    named = fields.identity(payment) or ntp_id
    if not named:
        raise Refused("malformed_event", "the payment has no ntpID")
    return Told(named, order, payment)
