"""The fields of NETOPIA's payloads: ids, money, moments, and our own references in them."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain import money
from domain.errors import Refused
from domain.money import Money

Payload = Mapping[str, Any]

NAME = "netopia"

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_LONGEST_NAME = 255
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII
)
_FIRST_YEAR, _LAST_YEAR = 2000, 2199  # what has no date is told as one of the year 1
_ROMANIA = ZoneInfo("Europe/Bucharest")


def mapping(parent: Payload, field: str) -> Payload:
    """An object within an object; an empty one where there is none."""
    value = parent.get(field)
    return value if isinstance(value, dict) else {}


def identity(payment: Payload) -> str | None:
    """NETOPIA's own id of a payment; None where there is none that could be one."""
    value = payment.get("ntpID")
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def money_of(payment: Payload) -> Money:
    """The amount above zero, read to the digit; Refused when it cannot be one."""
    value, code = payment.get("amount"), payment.get("currency")
    if not isinstance(code, str):
        raise Refused("unknown_currency", "the payment has no currency")
    if type(value) is int or isinstance(value, Decimal):
        value = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if not isinstance(value, str):
        raise Refused("malformed_amount", "the amount is no number")
    found = money.parse(value, code)
    if not found.minor:
        raise Refused("malformed_amount", "the amount is nought")
    return found


def moment(payment: Payload) -> datetime | None:
    """When it happened, aware; None where NETOPIA does not say.

    One without a zone is of Romania, where NETOPIA is.
    """
    told = payment.get("operationDate")
    if not isinstance(told, str) or not _MOMENT.fullmatch(told):
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=_ROMANIA)


def meant_for(order: Payload) -> tuple[str, ...]:
    """Our own references as they came back, sorted: the order id, and the invoice's number."""
    told = (order.get("orderID"), mapping(order, "data").get("reference"))
    names = {name.strip() for name in told if isinstance(name, str)}
    return tuple(sorted(_safe_name(name) for name in names if name))


def order_id(order: Payload) -> str | None:
    """Our order id, if it can be one; None where it cannot."""
    value = order.get("orderID")
    is_name = isinstance(value, str) and 1 <= len(value) <= _LONGEST_NAME and value.isprintable()
    return value if is_name else None


def _safe_name(text: str) -> str:
    """The name itself, or a readable form of a monstrous one that no invoice can have."""
    if len(text) <= _LONGEST_NAME and text.isprintable():
        return text
    return (
        "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:80])
        + "…"
    )
