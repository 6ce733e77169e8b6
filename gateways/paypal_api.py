"""Asking PayPal: its own words, byte for byte, within seconds, or why there are none."""

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from domain.errors import Refused, TryLater
from gateways import paypal_checkout, strict_json
from gateways import paypal_fields as fields
from gateways.paypal_answers import framed
from gateways.paypal_events import ORDER
from gateways.paypal_fields import Payload
from gateways.port import Occurrence, Order, Repayment, Session, Taken

if TYPE_CHECKING:
    import httpx

LIVE_BASE = "https://api-m.paypal.com"

_EVENTS = "/v1/notifications/webhooks-events"
_PAGE = 20  # events in full; one has some thousand bytes

# One answer as a whole. A lease is longer than all the answers of one errand.
_ANSWER_SECONDS = 8.0
_CONNECT_SECONDS = 2.0
_LONGEST_BYTES = 262_144
_PAUSE = timedelta(minutes=1)
_EARLIER_SECONDS = 120.0  # a token that ends sooner is not used any more

# The customer has not agreed yet, or must do so once more.
_NOT_YET = frozenset(("ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"))
_CAPTURED = "ORDER_ALREADY_CAPTURED"
# Nothing that anybody but the customer could mend, and he sees it on PayPal's page.
_DECLINED = frozenset(
    (
        *("INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "TRANSACTION_REFUSED"),
        "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
    )
)


class _Answer(NamedTuple):
    status: int
    body: bytes


class PayPalApi:
    """One client's way to PayPal; `base` is where its API is, without a slash at the end."""

    def __init__(self, base: str, client_id: str, secret: str) -> None:
        self.base = base.rstrip("/")
        self._who = (client_id, secret)
        self._token: tuple[str, float] | None = None
        self._turn = threading.Lock()

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
        """All that PayPal has of a capture, `CAPTURE/REFUND`, or `order:ORDER`, in a frame of ours.

        Network, some seconds. Refused: asking again will not help before a person has looked.
        TryLater: PayPal is busy or away.
        """
        if reference.startswith(ORDER):
            return _bounded(framed(None, self._order(reference.removeprefix(ORDER))), reference)
        capture_id, _, refund_id = reference.partition("/")
        if refund_id:
            _id(refund_id)
        capture = self._get("/v2/payments/captures", capture_id)
        order_id = fields.order_above(_parsed(capture), fields.origins(self.base))
        order = None if order_id is None else self._order(order_id)
        refunds = [self._get("/v2/payments/refunds", refund_id)] if refund_id else []
        return _bounded(framed(capture, order, *refunds), reference)

    def capture(self, order_id: str) -> bytes:
        """Takes the money of an approved order, and answers the order as it is then.

        Under one request id, which PayPal keeps for six hours: asked again, it answers the same and
        takes nothing more. Refused: `declined` when the customer must choose again, `not_approved`
        while he has not agreed. TryLater: PayPal is busy or away, and perhaps the money was taken.
        """
        answer = self._send(
            "POST",
            f"/v2/checkout/orders/{_id(order_id)}/capture",
            {"PayPal-Request-Id": f"capture:{order_id}", "Prefer": "return=representation"},
            b"",
        )
        if answer.status in (200, 201):
            return _bounded(framed(None, answer.body), order_id)
        issue = _issue(answer)
        if issue == _CAPTURED:
            return _bounded(framed(None, self._order(order_id)), order_id)
        if issue in _NOT_YET:
            raise Refused("not_approved", f"the customer has not agreed yet: {issue}")
        if issue in _DECLINED:
            raise Refused("declined", f"PayPal could not take the money: {issue}")
        raise _refusal(answer, order_id)

    def refund(self, repayment: Repayment) -> Taken:
        """Gives back once, however often it is asked for, under the refund's own request id.

        Refused: nothing went back. TryLater: perhaps it did, as when the answer cannot be read.
        """
        money = repayment.money
        amount = {"currency_code": money.currency, "value": fields.text_of(money)}
        capture = _id(repayment.reference)
        answer = self._send(
            "POST",
            f"/v2/payments/captures/{capture}/refund",
            {"PayPal-Request-Id": repayment.key, "Prefer": "return=representation"},
            json.dumps({"amount": amount}).encode(),
        )
        if answer.status not in (200, 201):
            raise _refusal(answer, capture)
        item = fields.plain(_parsed(answer.body), "id")
        if item is None or not fields.is_identity(item):
            raise TryLater(_PAUSE, f"PayPal does not say which refund of {capture} it made")
        return Taken(item, f"{capture}/{item}")

    def occurrences(self, since: datetime, until: datetime) -> Iterator[Occurrence]:
        """Every event between, newest first, page by page; a link leads to the next one."""
        asked = {"start_time": _second(since), "end_time": _second(until), "page_size": _PAGE}
        path: str | None = f"{_EVENTS}?{urlencode(asked)}"
        while path is not None:
            page = _parsed(self._told(path, "its events"))
            for event in fields.entries(page, "events"):
                yield Occurrence(str(event.get("id")), str(event.get("event_type")))
            path = self._onward(page)

    def event(self, event_id: str) -> bytes:
        """One event, as it came."""
        return self._get(_EVENTS, event_id)

    def open_order(self, order: Order) -> Session:
        """Opens an order, or answers the one that this key opened within the last six hours."""
        answer = self._send(
            "POST",
            "/v2/checkout/orders",
            {"PayPal-Request-Id": order.key[:108], "Prefer": "return=representation"},
            json.dumps(paypal_checkout.request(order)).encode(),
        )
        if answer.status in (200, 201):
            return paypal_checkout.session(_parsed(answer.body), order, self.base)
        raise _refusal(answer, order.order_id)

    def _onward(self, page: Payload) -> str | None:
        """The path of the next page; Refused where the link is none of this API's."""
        address = fields.link(page, "next")
        if address is None:
            return None
        for origin in fields.origins(self.base):
            if address.startswith(f"{origin}{_EVENTS}?"):
                return address.removeprefix(origin)
        raise Refused("malformed_answer", "PayPal's list of events goes on somewhere else")

    def _order(self, order_id: str) -> bytes:
        return self._get("/v2/checkout/orders", order_id)

    def _get(self, path: str, id_: str) -> bytes:
        return self._told(f"{path}/{_id(id_)}", id_)

    def _told(self, path: str, about: str) -> bytes:
        answer = self._send("GET", path, {}, None)
        if answer.status != 200:
            raise _refusal(answer, about)
        return answer.body

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> _Answer:
        """One call; a token that PayPal no longer takes is renewed, once."""
        answer = self._authorised(method, path, headers, body)
        if answer.status == 401:
            self._token = None
            answer = self._authorised(method, path, headers, body)
        if answer.status in (401, 403):
            raise _key_refused()
        if answer.status in (408, 409, 425, 429) or answer.status >= 500:
            raise TryLater(_PAUSE, f"PayPal is busy: it answered {answer.status}")
        return answer

    def _authorised(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> _Answer:
        told = {"Authorization": f"Bearer {self._bearer()}", **headers}
        if body is not None:
            told["Content-Type"] = "application/json"
        return self._call(method, path, headers=told, content=body)

    def _bearer(self) -> str:
        """The token of this client, asked for anew shortly before it ends."""
        with self._turn:
            if self._token is None or monotonic() > self._token[1]:
                self._token = self._new_token()
            return self._token[0]

    def _new_token(self) -> tuple[str, float]:
        answer = self._call(
            "POST",
            "/v1/oauth2/token",
            auth=self._who,
            data={"grant_type": "client_credentials"},
        )
        if answer.status in (400, 401, 403):
            raise _key_refused()
        if answer.status != 200:
            raise TryLater(_PAUSE, f"PayPal gives no token: it answered {answer.status}")
        told = _parsed(answer.body)
        token, seconds = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or type(seconds) is not int:
            raise TryLater(_PAUSE, "PayPal's answer has no token")
        return token, monotonic() + max(seconds - _EARLIER_SECONDS, seconds / 2)

    def _call(self, method: str, path: str, **how: Any) -> _Answer:
        import httpx

        until = monotonic() + _ANSWER_SECONDS
        body = b""
        try:
            with self._client.stream(method, f"{self.base}{path}", **how) as answer:
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _LONGEST_BYTES:
                        raise _too_long(method, path)
                    if monotonic() > until:
                        raise TryLater(_PAUSE, "PayPal answers too slowly")
                return _Answer(answer.status_code, body)
        except httpx.HTTPError as error:
            raise TryLater(_PAUSE, f"PayPal is away: {type(error).__name__}") from error


def _too_long(method: str, path: str) -> Exception:
    """Whoever only asked need not ask again; what was to be done may be done."""
    detail = f"PayPal's answer to {path} is too long"
    return Refused("answer_too_long", detail) if method == "GET" else TryLater(_PAUSE, detail)


def _second(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bounded(answer: bytes, about: str) -> bytes:
    if len(answer) > _LONGEST_BYTES:
        raise Refused("answer_too_long", f"what PayPal has of {about} is over 256 KiB")
    return answer


def _id(text: str) -> str:
    if not fields.is_identity(text):
        raise Refused("unsupported", f"PayPal has nothing that is called {text[:80]}")
    return text


def _refusal(answer: _Answer, about: str) -> Exception:
    """Why an answer that is no success will not get better by asking again."""
    if answer.status == 404:
        return Refused("unknown_payment", f"PayPal does not know {about}")
    if 400 <= answer.status < 500:
        issue = _issue(answer) or str(answer.status)
        return Refused(issue.lower(), f"PayPal refuses {about}: {issue}")
    return TryLater(_PAUSE, f"PayPal is busy: it answered {answer.status}")


def _issue(answer: _Answer) -> str | None:
    """What PayPal says is the matter, in its own code."""
    try:
        told = _parsed(answer.body)
    except TryLater:
        return None
    issues = (fields.plain(each, "issue") for each in fields.entries(told, "details"))
    return next((issue for issue in issues if issue), None) or fields.plain(told, "name")


def _key_refused() -> Refused:
    return Refused(
        "key_refused",
        "PayPal refuses PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET; set valid ones, of the mode that"
        " PAYPAL_API_BASE is of",
    )


def _parsed(body: bytes) -> Payload:
    """An answer's object; what is none comes from somebody between us and PayPal."""
    try:
        told = strict_json.parse(body)
    except strict_json.Malformed as error:
        raise TryLater(_PAUSE, "PayPal's answer is no JSON") from error
    if not isinstance(told, dict):
        raise TryLater(_PAUSE, "PayPal's answer is no object")
    return told
