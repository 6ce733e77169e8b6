"""Asking NETOPIA: its own words, byte for byte, within seconds, or why there are none."""

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from domain.errors import Refused, TryLater
from domain.money import Money, decimal_text
from gateways import netopia_checkout, strict_json
from gateways import netopia_fields as fields
from gateways.netopia_fields import Payload
from gateways.port import Order, Repayment, Session, Taken, is_plain_name

if TYPE_CHECKING:
    import httpx

# What our frames around NETOPIA's own words are called; nothing that it sends is called so.
OBJECT = "lookup"
CREDIT = "credit"

# One answer as a whole. A lease is longer than all the answers of one errand.
_ANSWER_SECONDS = 8.0
_CONNECT_SECONDS = 2.0
_LONGEST_BYTES = 262_144
_LONGEST_NAME = 64 + 1 + 255
_PAUSE = timedelta(minutes=1)

_STATUS = "/operation/status"  # the one call that changes nothing

_REDIRECT = "101"  # no error: the customer is to be sent to the page
_OPEN_ALREADY = "56"
_OTHER_AMOUNT = "99"
_DONE = ("00", "0")
_CREDITED = 8


class _Answer(NamedTuple):
    """`day` is that of the answer, in UTC, as `2026-11-21`; None where it does not say."""

    status: int
    body: bytes
    day: str | None


class NetopiaApi:
    """A point of sale's way to NETOPIA; `base` is where its API is, without a slash at the end.

    `notify_url` is where NETOPIA is to tell what becomes of a payment.
    """

    def __init__(self, base: str, api_key: str, pos: str, notify_url: str) -> None:
        self.base = base.rstrip("/")
        self._key = api_key
        self._pos = pos
        self._notify_url = notify_url

    @cached_property
    def _client(self) -> "httpx.Client":
        """Made by the one who asks. A plain address is of this machine: no proxy leads there."""
        import httpx

        return httpx.Client(
            follow_redirects=False,
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            mounts={"http://": httpx.HTTPTransport()},
        )

    def payment(self, reference: str) -> bytes:
        """How a payment stands, in a frame of ours; `reference` is its ntpID, `NTPID/ORDER`.

        Network, some seconds. Refused: asking again will not help before a person has looked.
        TryLater: NETOPIA is busy or away.
        """
        ntp_id, _, order_id = reference.partition("/")
        if not ntp_id or len(reference) > _LONGEST_NAME or not reference.isprintable():
            raise Refused("unsupported", f"NETOPIA has nothing that is called {reference[:80]!r}")
        asked = {"posID": self._pos, "ntpID": ntp_id, "orderID": order_id}
        answer = self._post(_STATUS, json.dumps(asked).encode())
        told = _parsed(answer.body)
        payment = fields.mapping(told, "payment")
        if answer.status != 200 or type(payment.get("status")) is not int:
            raise Refused("unknown_payment", f"NETOPIA tells nothing of {reference}: {_code(told)}")
        # The same answer is one event, on whatever day: the day is told where nothing else is.
        day = answer.day if fields.moment(payment) is None else None
        return b'{"object":"lookup","asked":%b,"day":%b,\n"answer":%b}' % (
            json.dumps(reference).encode(),
            json.dumps(day).encode(),
            answer.body,
        )

    def open_page(self, order: Order) -> Session:
        """Starts a payment; NETOPIA starts one for each order id, and never tells it again.

        TryLater where it is open already: whoever opened it is about to store its address. If
        nobody does, nobody has been shown it, and the next attempt has another order id.
        """
        body = netopia_checkout.request(order, self._pos, self._notify_url)
        answer = self._post("/payment/card/start", body)
        told = _parsed(answer.body)
        code = _code(told)
        if answer.status == 200 and code == _REDIRECT:
            return netopia_checkout.session(told, order, self.base)
        if code == _OPEN_ALREADY:
            raise TryLater(_PAUSE, f"NETOPIA has opened {order.order_id} already")
        if code == _OTHER_AMOUNT:
            raise Refused("order_differs", f"NETOPIA has {order.order_id} with another amount")
        raise Refused(
            "not_started", f"NETOPIA refuses {order.order_id}: {answer.status}, code {code}"
        )

    def refund(self, repayment: Repayment) -> Taken:
        """Gives back, and again each time it is asked: NETOPIA knows no key.

        Refused: nothing went back, in NETOPIA's own code. An approval of another amount than was
        asked for has given nothing back, as others saw. TryLater: perhaps it did, whatever the
        answer was that could not be read.
        """
        ntp_id, money = repayment.reference, repayment.money
        told_amount = decimal_text(money)
        body = f'{{"ntpID":{json.dumps(ntp_id)},"amount":{told_amount},"split":[]}}'.encode()
        answer = self._post("/operation/credit", body)
        if _credited(answer, repayment) != money:
            raise Refused("refund_refused", f"NETOPIA approved another amount of {ntp_id}")
        frame = b'{"object":"credit","asked":%b,"key":%b,"currency":%b,"at":%b,\n"answer":%b}' % (
            body,
            json.dumps(repayment.key).encode(),
            json.dumps(money.currency).encode(),
            json.dumps(repayment.at.isoformat()).encode(),
            answer.body,
        )
        return Taken(repayment.key, ntp_id, frame)

    def _post(self, path: str, body: bytes) -> _Answer:
        """One call; the key goes without any word before it."""
        answer = self._call(path, body)
        if answer.status in (401, 403):
            raise Refused(
                "key_refused",
                "NETOPIA refuses NETOPIA_API_KEY; set a valid one, of the mode that"
                " NETOPIA_API_BASE is of",
            )
        is_word = 200 <= answer.status < 300 or 400 <= answer.status < 500
        is_busy = answer.status in (408, 425, 429) or not is_word
        if is_busy:
            raise TryLater(_PAUSE, f"NETOPIA is busy: it answered {answer.status}")
        return answer

    def _call(self, path: str, body: bytes) -> _Answer:
        import httpx

        until = monotonic() + _ANSWER_SECONDS
        headers = {"Authorization": self._key, "Content-Type": "application/json"}
        told = b""
        try:
            with self._client.stream(
                "POST", f"{self.base}{path}", headers=headers, content=body
            ) as answer:
                for part in answer.iter_bytes():
                    told += part
                    if len(told) > _LONGEST_BYTES:
                        raise _too_long(path)
                    if monotonic() > until:
                        raise TryLater(_PAUSE, "NETOPIA answers too slowly")
                return _Answer(answer.status_code, told, _day(answer.headers.get("date")))
        except httpx.HTTPError as error:
            raise TryLater(_PAUSE, f"NETOPIA is away: {type(error).__name__}") from error


def _day(told: str | None) -> str | None:
    try:
        return None if told is None else parsedate_to_datetime(told).date().isoformat()
    except ValueError:
        return None


def _credited(answer: _Answer, asked: Repayment) -> Money:
    """What was given back; a refusal is only what says so in NETOPIA's code, all else is doubt."""
    told = _parsed(answer.body)
    code, made = _code(told), fields.mapping(told, "payment")
    if code is not None and code not in _DONE:
        raise Refused("refund_refused", f"NETOPIA gives nothing back of {asked.reference}: {code}")
    is_told = answer.status == 200 and code is not None and made.get("status") == _CREDITED
    doubt = TryLater(_PAUSE, f"NETOPIA does not say whether {asked.reference} was given back")
    if not is_told:
        raise doubt
    try:
        return fields.money_of({**made, "currency": asked.money.currency})
    except Refused as unreadable:
        raise doubt from unreadable


def _too_long(path: str) -> Exception:
    """Whoever only asked need not ask again; what was to be done may be done."""
    detail = f"NETOPIA's answer to {path} is too long"
    return Refused("answer_too_long", detail) if path == _STATUS else TryLater(_PAUSE, detail)


def _code(answer: Payload) -> str | None:
    """What NETOPIA says is the matter, in its own code."""
    code = fields.mapping(answer, "error").get("code")
    return code if isinstance(code, str) and is_plain_name(code) else None


def _parsed(body: bytes) -> Payload:
    """An answer's object; what is none comes from somebody between us and NETOPIA."""
    try:
        told = strict_json.parse(body)
    except strict_json.Malformed as error:
        raise TryLater(_PAUSE, "NETOPIA's answer is no JSON") from error
    if not isinstance(told, dict):
        raise TryLater(_PAUSE, "NETOPIA's answer is no object")
    return told
