"""What a new order or refund at PayPal must look like, field by field."""

import re
from decimal import Decimal
from typing import Any

from sandbox.money import PAYPAL_CURRENCIES, paypal_digits
from sandbox.payload import Payload
from sandbox.paypal_errors import invalid, refused

_LONGEST = {"custom_id": 127, "invoice_id": 127, "description": 127, "reference_id": 256}


def unit(asked: Payload) -> Payload:
    """The one purchase unit of an order."""
    units = asked.get("purchase_units")
    if not isinstance(units, list) or len(units) != 1 or not isinstance(units[0], dict):
        raise invalid("/purchase_units")
    told = {"reference_id": "default", **units[0]}
    for name, longest in _LONGEST.items():
        value = told.get(name, "-")
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise invalid(f"/purchase_units/0/{name}", "INVALID_STRING_LENGTH")
    check_amount(told.get("amount"), "/purchase_units/0/amount")
    return told


def check_amount(amount: Any, where: str) -> None:
    """PaypalError unless it is an amount that PayPal takes."""
    if not isinstance(amount, dict) or not isinstance(amount.get("value"), str):
        raise invalid(where)
    currency, value = amount.get("currency_code"), amount["value"]
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency):
        raise invalid(f"{where}/currency_code")
    if currency not in PAYPAL_CURRENCIES:
        raise refused("CURRENCY_NOT_SUPPORTED", "Currency code is not supported.")
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", value):
        raise invalid(f"{where}/value")
    decimals = len(value.partition(".")[2])
    if decimals and not paypal_digits(currency):
        raise refused("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.")
    if decimals > paypal_digits(currency):
        raise refused("DECIMAL_PRECISION", "The amount has too many decimals.")
    if Decimal(value) <= 0:
        raise refused("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.")


def context(asked: Payload) -> Payload:
    """How the order's page is to be, and where it leads back; empty when nothing was asked."""
    source = asked.get("payment_source")
    if source is None:
        return {}
    paypal = source.get("paypal") if isinstance(source, dict) else None
    told = paypal.get("experience_context") if isinstance(paypal, dict) else None
    if not isinstance(told, dict):
        raise invalid("/payment_source/paypal/experience_context")
    for name in ("return_url", "cancel_url"):
        if not isinstance(told.get(name), str):
            raise invalid(f"/payment_source/paypal/experience_context/{name}")
    return told
