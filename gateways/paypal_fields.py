"""The fields of PayPal's payloads: ids, money, instants, links, and our own references in them."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from domain import money
from domain.errors import Refused
from domain.money import Money
from gateways.port import is_plain_name

Payload = Mapping[str, Any]

NAME = "paypal"

# developer.paypal.com/docs/api/reference/currency-codes, read 2026-11-20. The leu is not in it.
CURRENCIES = frozenset(
    "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP RUB SGD SEK CHF"
    " THB USD".split()
)
_WITHOUT_DECIMALS = frozenset("HUF JPY TWD".split())

LIVE_HOSTS = ("api.paypal.com", "api-m.paypal.com")
SANDBOX_HOSTS = ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com")

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # it becomes part of an address
_CAPTURE_LINK = re.compile(r"(https?://[a-z0-9.:-]+)/v2/payments/captures/([A-Za-z0-9_-]{1,64})")
_ORDER_LINK = re.compile(r"(https?://[a-z0-9.:-]+)/v2/checkout/orders/([A-Za-z0-9_-]{1,64})")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


def origins(base: str | None) -> frozenset[str]:
    """Where links within PayPal's words may lead, with the API that we ask."""
    ours = {f"https://{host}" for host in (*LIVE_HOSTS, *SANDBOX_HOSTS)}
    return frozenset(ours | ({base} if base else set()))


def identity(subject: Payload, field: str = "id") -> str:
    """PayPal's own id of a thing; Refused when there is none that could be one."""
    value = subject.get(field)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Refused("malformed_event", f"{field} is no id")
    return value


def is_identity(text: str) -> bool:
    """Whether a text can be an id of PayPal's."""
    return _ID.fullmatch(text) is not None


def money_of(subject: Payload, field: str) -> Money:
    """An amount above zero; Refused when it cannot be one."""
    found = amount(subject, field)
    if not found.minor:
        raise Refused("malformed_amount", f"{field} is nought")
    return found


def amount(subject: Payload, field: str) -> Money:
    """An amount, read to the digit from its text; it may be zero."""
    told = mapping(subject, field)
    value, code = told.get("value"), told.get("currency_code")
    if not isinstance(value, str):
        raise Refused("malformed_amount", f"{field} is no decimal text")
    if not isinstance(code, str):
        raise Refused("unknown_currency", f"{field} has no currency")
    return money.parse(value, code)


def text_of(money_: Money) -> str:
    """An amount as PayPal wants it: three currencies must have no decimals there.

    Refused when it has some all the same, or PayPal does not know the currency.
    """
    if money_.currency not in CURRENCIES:
        raise Refused("unsupported_currency", f"PayPal takes no {money_.currency}")
    text = money.decimal_text(money_)
    if money_.currency not in _WITHOUT_DECIMALS:
        return text
    whole, _, rest = text.partition(".")
    if rest.strip("0"):
        raise Refused("unsupported_amount", f"PayPal takes no decimals of {money_.currency}")
    return whole


def meant_for(*subjects: Payload) -> tuple[str, ...]:
    """Our own references as they came back, sorted."""
    told = (subject.get(field) for subject in subjects for field in ("custom_id", "invoice_id"))
    return tuple(
        sorted(
            {_safe_name(name.strip()) for name in told if isinstance(name, str) and name.strip()}
        )
    )


def instant(subject: Payload, *fields: str) -> datetime:
    """The moment in the first of these fields that is there."""
    told = next((subject[field] for field in fields if subject.get(field) is not None), None)
    found = moment(told) if isinstance(told, str) else None
    if found is None:
        raise Refused("malformed_event", f"{fields[0]} is no instant")
    return found


def moment(text: str) -> datetime | None:
    """A moment in RFC 3339, aware; None when the text is none."""
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def mapping(parent: Payload, field: str) -> Payload:
    """An object within an object."""
    value = parent.get(field)
    if not isinstance(value, dict):
        raise Refused("malformed_event", f"{field} is no object")
    return value


def maybe(parent: Payload, field: str) -> Payload:
    """An object within an object; an empty one where there is none."""
    value = parent.get(field)
    return value if isinstance(value, dict) else {}


def entries(parent: Payload, field: str) -> tuple[Payload, ...]:
    """The objects of a list; none where there is no list."""
    value = parent.get(field)
    return (
        tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()
    )


def capture_above(refund: Payload, origins: Collection[str]) -> str:
    """The capture that a refund is of: its link upwards is the only place that names it.

    The link is read, never followed: an API of PayPal's, and nothing behind the id.
    """
    for href in _links(refund, "up"):
        found = _CAPTURE_LINK.fullmatch(href)
        if found and found[1] in origins:
            return found[2]
    raise Refused("malformed_event", "the refund does not say which capture it is of")


def order_above(capture: Payload, origins: Collection[str]) -> str | None:
    """The order that a capture is of; None when it names none."""
    related = maybe(maybe(capture, "supplementary_data"), "related_ids").get("order_id")
    if isinstance(related, str) and _ID.fullmatch(related):
        return related
    for href in _links(capture, "up"):
        found = _ORDER_LINK.fullmatch(href)
        if found and found[1] in origins:
            return found[2]
    return None


def merchants(subject: Payload) -> Iterator[str]:
    """Every merchant that a thing says it is of."""
    payees = [subject, *entries(subject, "purchase_units")]
    told = [
        *(maybe(each, "payee").get("merchant_id") for each in payees),
        *(
            maybe(each, "seller").get("merchant_id")
            for each in entries(subject, "disputed_transactions")
        ),
    ]
    yield from (name for name in told if isinstance(name, str))


def link(subject: Payload, *relations: str) -> str | None:
    """Where the first link of one of these relations leads; None where there is none."""
    return next((href for name in relations for href in _links(subject, name)), None)


def _links(subject: Payload, relation: str) -> Iterator[str]:
    for each in entries(subject, "links"):
        href = each.get("href")
        if each.get("rel") == relation and isinstance(href, str):
            yield href


def _safe_name(text: str) -> str:
    """The name itself, or a readable form of a monstrous one that no invoice can have."""
    if len(text) <= 255 and text.isprintable():
        return text
    return (
        "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[:80])
        + "…"
    )


def plain(subject: Payload, field: str) -> str | None:
    """A field that is a plain name; None when it is not."""
    value = subject.get(field)
    return value if isinstance(value, str) and is_plain_name(value) else None
