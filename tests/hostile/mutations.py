"""What chance makes of a genuine event: one that is a little wrong, somewhere."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from random import Random
from typing import Any

from domain.errors import Refused

RECORDED = (
    *("session_paid", "session_unpaid", "session_async_failed", "session_free", "thin"),
    *("intent_succeeded", "intent_expanded", "intent_processing", "intent_canceled"),
    *("charge_succeeded", "charge_authorised", "charge_failed", "charge_without_intent"),
    *("refund_created", "dispute_lost_and_won"),
)

_STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, 100.0, 10**13, 10**13 + 1, 2**63, -(2**63), 10**400),
    *(float("nan"), float("inf"), 1e308, "", " ", "0", "100", "x" * 300, "a\0b", "\ud800", "٣"),
    *("ron", "RON", "eur", "jpy", "isk", "mga", "u\u017fd", "xyz", "succeeded", "failed", "paid"),
    *("INV-0001", "INV-0002", "pi_0", "pi_1", "ch_0", "ch_1", "\u202e", "' OR 1=1--", "{1,2}"),
    *([], {}, [1], [[]], {"id": "pi_1"}, {"id": 7}, {"": None}, {"invoice_id": "INV-0001"}),
)
_KINDS = (
    *("payment_intent.succeeded", "payment_intent.processing", "charge.succeeded"),
    *("charge.failed", "charge.pending", "refund.created", "refund.failed", "charge.refunded"),
    *("checkout.session.completed", "checkout.session.async_payment_succeeded"),
    *("charge.captured", "charge.updated", "checkout.session.expired", "payment_intent.canceled"),
    *("charge.dispute.created", "charge.dispute.funds_withdrawn"),
    *("charge.dispute.funds_reinstated", "charge.dispute.closed"),
)


def misled(
    event: dict[str, Any],
    random: Random,
    most: int = 3,
    kinds: tuple[str, Sequence[str]] = ("type", _KINDS),
) -> dict[str, Any]:
    """The event with up to `most` changes in it: values that are strange, swapped or gone.

    `kinds`: where an event names its kind, and which ones there are.
    """
    for _ in range(random.randint(0, most)):
        places = list(_places(event))
        holder, key = random.choice(places)
        match random.randrange(5):
            case 0:
                del holder[key]
            case 1:
                other, its = random.choice(places)
                holder[key] = json.loads(json.dumps(other[its]))
            case 2:
                event[kinds[0]] = random.choice(kinds[1])
            case _:
                holder[key] = random.choice(_STRANGE)
    return event


def torn(body: bytes, random: Random) -> bytes:
    """The same bytes but for a piece that is lost, doubled, or another."""
    start = random.randrange(len(body))
    end = min(len(body), start + random.randint(1, 20))
    middle = random.choice(
        (b"", body[start:end] * 2, random.randbytes(end - start), b"\\u0000", b"[" * 100, b"1e999")
    )
    return body[:start] + middle + body[end:]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Everything that can be changed: what holds it, and under which name or number."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in list(pairs):
        yield value, key
        if isinstance(child, dict | list):
            yield from _places(child)


def unstorable(told: Any) -> list[str]:
    """The texts of a reading, all of which end up in rows, that no row could hold."""
    return [text for text in _texts(told) if "\0" in text or any(map(_is_half, text))]


def leaves(value: Any) -> Iterator[Any]:
    """Every value of an event that holds no others."""
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from leaves(child)
    else:
        yield value


def _texts(told: Any) -> Iterator[str]:
    if isinstance(told, str | Refused):
        yield str(told)
    elif is_dataclass(told):
        yield from _texts([getattr(told, each.name) for each in fields(told)])
    elif isinstance(told, tuple | list):
        for part in told:
            yield from _texts(part)


def _is_half(sign: str) -> bool:
    return "\ud800" <= sign <= "\udfff"
