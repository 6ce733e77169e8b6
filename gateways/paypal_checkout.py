"""PayPal's hosted page: what an order is opened with, and what is read from PayPal's answer."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from domain.errors import Refused
from gateways import paypal_fields as fields
from gateways.paypal_fields import Payload
from gateways.port import Order, Session

_LOCALES = {"ro": "ro-RO", "en": "en-GB"}
_LONGEST = 127  # custom_id, invoice_id, description and brand_name alike

# How long a customer has to agree; PayPal publishes no figure, an integrator of it this one.
# docs.mangopay.com, error 201003, read 2026-11-20.
_PATIENCE = timedelta(hours=3)


def request(order: Order) -> dict[str, Any]:
    """The order as PayPal wants it: the same order is the same words, whenever it is said.

    `invoice_id` must be new for every attempt, as accounts may refuse one they have seen.
    """
    amount = {"currency_code": order.money.currency, "value": fields.text_of(order.money)}
    unit = {
        "reference_id": "default",
        "custom_id": order.reference[:_LONGEST],
        "invoice_id": order.order_id[:_LONGEST],
        "description": order.description[:_LONGEST],
        "amount": amount,
    }
    experience = {
        "brand_name": order.seller_name[:_LONGEST],
        "locale": _LOCALES.get(order.language, "en-GB"),
        "landing_page": "NO_PREFERENCE",
        "shipping_preference": "NO_SHIPPING",
        "user_action": "PAY_NOW",
        "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
        "return_url": order.return_url,
        "cancel_url": order.cancel_url,
    }
    return {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": experience}},
    }


def session(answer: Payload, order: Order, base: str) -> Session:
    """The order that PayPal opened; Refused when its answer has no page that can be shown."""
    if answer.get("status") not in ("CREATED", "PAYER_ACTION_REQUIRED"):
        raise Refused("session_closed", "PayPal's order is no longer open")
    url = fields.link(answer, "payer-action", "approve")
    if url is None or not _can_be_shown(url, base):
        raise Refused("malformed_answer", "PayPal's order has no address to pay at")
    expires_at = order.expires_at
    if answer.get("create_time") is not None:
        expires_at = min(expires_at, fields.instant(answer, "create_time") + _PATIENCE)
    return Session(fields.identity(answer), url, expires_at)


def _can_be_shown(url: str, base: str) -> bool:
    """Encrypted; or plain where the API itself is on this machine."""
    way = urlsplit(url).scheme
    return way == "https" or (way == "http" and _is_near(base))


def _is_near(address: str) -> bool:
    try:
        return ip_address(urlsplit(address).hostname or "").is_loopback
    except ValueError:
        return False
