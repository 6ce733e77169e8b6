"""NETOPIA's hosted page: what a payment is started with, and what is read from the answer."""

import json
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from domain import links, money
from domain.errors import Refused
from gateways import netopia_fields as fields
from gateways.netopia_fields import Payload
from gateways.port import Order, Session

# In another currency an account that is not cleared for it is paid in lei, at a rate of NETOPIA's.
CURRENCIES = frozenset(("RON",))

_ROMANIA = {"country": 642, "countryName": "Romania"}


class _Number(NamedTuple):
    """A decimal amount, to be written as it is: no float holds it."""

    text: str


def request(order: Order, pos: str, notify_url: str) -> bytes:
    """The order as NETOPIA wants it: the same order is the same words, whenever it is said."""
    return _written(
        {
            "config": {
                "emailTemplate": "",
                "emailSubject": "",
                "notifyUrl": notify_url,
                "redirectUrl": order.return_url,
                "cancelUrl": order.cancel_url,
                "language": order.language,
            },
            "payment": {
                "options": {"installments": 0, "bonus": 0, "split": []},
                "instrument": None,
                "data": {},
            },
            "order": _order(order, pos),
        }
    ).encode()


def _order(order: Order, pos: str) -> dict[str, Any]:
    amount = _Number(money.decimal_text(order.money))
    product = {"name": order.description, "code": order.reference, "category": "invoice"}
    return {
        "ntpID": "",
        "posSignature": pos,
        "dateTime": (order.expires_at - links.SESSION_LIFE).isoformat(timespec="seconds"),
        "description": order.description,
        "orderID": order.order_id,
        "amount": amount,
        "currency": order.money.currency,
        "billing": _somebody(order),
        "shipping": _somebody(order),
        "products": [{**product, "price": amount, "vat": 0}],
        "installments": {"selected": 0, "available": [0]},
        "data": {"reference": order.reference},
    }


def _somebody(order: Order) -> dict[str, Any]:
    """Whoever pays says so at NETOPIA; all that we tell is where a receipt may go."""
    unknown = ("phone", "firstName", "lastName", "city", "state", "postalCode", "details")
    return {"email": order.email or "", **_ROMANIA, **dict.fromkeys(unknown, "")}


def session(answer: Payload, order: Order, base: str) -> Session:
    """The page that NETOPIA opened; Refused when its answer has none that can be shown."""
    payment = fields.mapping(answer, "payment")
    ntp_id, url = fields.identity(payment), payment.get("paymentURL")
    if ntp_id is None or not isinstance(url, str) or not _can_be_shown(url, base):
        raise Refused("malformed_answer", "NETOPIA's payment has no address to pay at")
    return Session(ntp_id, url, order.expires_at)


def _written(value: object) -> str:
    """JSON, with every amount to the digit."""
    match value:
        case _Number(text):
            return text
        case dict():
            inner = (f"{json.dumps(name)}:{_written(each)}" for name, each in value.items())
            return "{" + ",".join(inner) + "}"
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
        case _:
            return json.dumps(value)


def _can_be_shown(url: str, base: str) -> bool:
    """Encrypted; or plain where the API itself is on this machine."""
    way = urlsplit(url).scheme
    return way == "https" or (way == "http" and _is_near(base))


def _is_near(address: str) -> bool:
    try:
        return ip_address(urlsplit(address).hostname or "").is_loopback
    except ValueError:
        return False
