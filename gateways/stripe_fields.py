"""The fields of Stripe's payloads: names, money, instants, and our own references in them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain import money
from domain.errors import Refused
from domain.money import Money
from gateways.port import is_plain_name

Payload = Mapping[str, Any]

# Where Stripe's smallest unit is not that of ISO 4217: ISK and UGX keep two digits for old callers,
# the ariary has none. docs.stripe.com/currencies, read 2026-11-20.
_DIGITS_UNLIKE_ISO = {"ISK": 2, "UGX": 2, "MGA": 0}

_LATEST_SECOND = 2**33


def names(subject: Payload, *name_fields: str) -> tuple[str, ...]:
    """The names of a payment in these fields; the first that is there is the main one."""
    found = tuple(name for field in name_fields if (name := reference(subject, field)))
    if not found:
        raise Refused("malformed_event", "it names neither a payment intent nor a charge")
    return found


def reference(subject: Payload, field: str) -> str | None:
    """A payment's name, plain or as an expanded object; None when there is none."""
    value = subject.get(field)
    if isinstance(value, dict):
        value = value.get("id")
    if value is None:
        return None
    if not isinstance(value, str) or not is_plain_name(value):
        raise Refused("malformed_event", f"{field} is no id")
    return value


def money_of(subject: Payload, field: str) -> Money:
    """An amount above zero in the payload's own currency; Refused when it cannot be one."""
    minor, code = subject.get(field), subject.get("currency")
    if type(minor) is not int or minor <= 0:
        raise Refused("malformed_amount", f"{field} is no positive whole number")
    if not isinstance(code, str):
        raise Refused("unknown_currency", "currency is no text")
    currency = code.upper()
    digits = money.exponent(currency)
    surplus = _DIGITS_UNLIKE_ISO.get(currency, digits) - digits
    if surplus < 0:
        return money.within_bounds(Money(currency, minor * 10**-surplus))
    whole, rest = divmod(minor, 10**surplus)
    if rest:
        raise Refused("malformed_amount", f"{field} has digits that {currency} does not have")
    return money.within_bounds(Money(currency, whole))


def stripe_minor(owed: Money) -> int:
    """An amount in Stripe's smallest unit; Refused when it cannot be told in it."""
    digits = money.exponent(owed.currency)
    surplus = _DIGITS_UNLIKE_ISO.get(owed.currency, digits) - digits
    factor: int = 10 ** abs(surplus)
    if surplus >= 0:
        return owed.minor * factor
    whole, rest = divmod(owed.minor, factor)
    if rest:
        raise Refused("malformed_amount", f"Stripe has no {owed}: it wants a whole amount")
    return whole


def meant_for(subject: Payload) -> tuple[str, ...]:
    """Our own references as they came back: the invoice, and the order id of our attempt."""
    told = subject.get("metadata")
    metadata = told if isinstance(told, dict) else {}
    named = (metadata.get("invoice_id"), subject.get("client_reference_id"))
    found = [name for value in named if (name := _own_name(value))][:1]
    order_id = _own_name(metadata.get("order_id"))
    return tuple(dict.fromkeys([*found, order_id] if order_id else found))


def _own_name(value: object) -> str | None:
    return _safe_name(value.strip()) if isinstance(value, str) and value.strip() else None


def _safe_name(text: str) -> str:
    """The name itself, or a readable form of a monstrous one that no invoice can have."""
    if len(text) <= 255 and text.isprintable():
        return text
    return (
        "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:80])
        + "…"
    )


def entries(parent: Payload, field: str) -> tuple[Payload, ...]:
    """The objects of a list; none where there is no list."""
    value = parent.get(field)
    return (
        tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()
    )


def instant(event: Payload, field: str) -> datetime:
    """A moment in UTC, which Stripe tells in seconds."""
    second = event.get(field)
    if type(second) is not int or not 0 < second < _LATEST_SECOND:
        raise Refused("malformed_event", f"{field} is no instant")
    return datetime.fromtimestamp(second, UTC)


def mapping(parent: Payload, field: str) -> Payload:
    """An object within an object."""
    value = parent.get(field)
    if not isinstance(value, dict):
        raise Refused("malformed_event", f"{field} is no object")
    return value


def needed(name: str | None, law: str) -> str:
    """The name itself; Refused when there is none, and the law says that there is."""
    if name is None:
        raise Refused("malformed_event", law)
    return name
