"""Stripe's hosted page: what a session is opened with, and what is read from Stripe's answer."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from domain.errors import Refused
from gateways import stripe_fields as fields
from gateways.port import Order, Session, is_plain_name

# What customers cannot be charged in; every other active currency they can.
# docs.stripe.com/currencies, read 2026-11-20.
_NOT_SERVED = frozenset("CUP ERN GHS IQD IRR KPW LYD SDG SSP SYP TMT VED VES".split())
_LANGUAGES = frozenset(("ro", "en"))
_LONGEST_NAME = 250


def serves(currency: str) -> bool:
    """Whether Stripe charges customers in this currency."""
    return currency not in _NOT_SERVED


def parameters(order: Order) -> dict[str, Any]:
    """The order as Stripe wants it: the same order is the same words, whenever it is said.

    What is ours goes into the metadata twice, since a session's does not flow to its payment.
    """
    ours = {"invoice_id": order.reference, "order_id": order.order_id}
    item = {
        "currency": order.money.currency.lower(),
        "unit_amount": fields.stripe_minor(order.money),
        "product_data": {"name": order.description[:_LONGEST_NAME]},
    }
    told = {
        "mode": "payment",
        "client_reference_id": order.order_id,
        "metadata": ours,
        "payment_intent_data": {"metadata": ours},
        "line_items": [{"quantity": 1, "price_data": item}],
        "locale": order.language if order.language in _LANGUAGES else "auto",
        "success_url": order.return_url,
        "cancel_url": order.cancel_url,
        "expires_at": int(order.expires_at.timestamp()),
    }
    return told if order.email is None else {**told, "customer_email": order.email}


def session(answer: Mapping[str, Any]) -> Session:
    """The session that Stripe opened; Refused when its answer has none that can be shown."""
    id_, url = answer.get("id"), answer.get("url")
    if not isinstance(id_, str) or not is_plain_name(id_):
        raise Refused("malformed_answer", "Stripe's session has no id")
    if answer.get("status") == "expired":
        raise Refused("session_closed", "Stripe has closed this session meanwhile")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("https", "http"):
        raise Refused("malformed_answer", "Stripe's session has no address to pay at")
    return Session(id_, url, fields.instant(answer, "expires_at"))
