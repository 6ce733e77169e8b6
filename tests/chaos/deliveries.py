"""What the gateways of a chaos run report: seeded deliveries, and what each of them truly says.

The seed decides which payments there are and what is told of them; which delivery meets which
fault is up to the machine.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import cache
from itertools import count
from typing import NamedTuple

from tests import stripe_events


class Saying(StrEnum):
    """What a delivery says of its payment's money."""

    NOTHING = "nothing"
    SENSELESS = "senseless"  # no amount that could be booked: made to be dead
    IN = "in"
    OUT = "out"
    UNDONE = "undone"  # what was going out stayed


class Delivery(NamedTuple):
    """An event with what it says: `item` is the refund, `invoice` what an IN names."""

    event_id: str
    body: bytes
    saying: Saying
    payment: str = ""
    item: str = ""
    amount_minor: int = 0
    invoice: str = ""


_DUPLICATED = 0.1  # of all deliveries; some of them twice
_MIXED = 300  # so many deliveries are shuffled at a time

Story = Callable[["_Payment"], list[Delivery]]


def deliveries(seed: int, share: int, invoices: Sequence[str]) -> Iterator[Delivery]:
    """Endless; those of one payment come soon after each other, in no order, some more than once.

    `share` tells the senders of one run apart.
    """
    rng = random.Random(f"{seed}/{share}")
    mixing: list[Delivery] = []
    for number in count(1):
        (story,) = rng.choices(_STORIES, _WEIGHTS)
        told = story(_Payment(f"{seed}_{share}_{number}", rng, rng.choice(invoices)))
        again = [each for each in told if rng.random() < _DUPLICATED]
        mixing += [*told, *again, *again[::2]]
        while len(mixing) > _MIXED:
            place = rng.randrange(len(mixing))
            mixing[place], mixing[-1] = mixing[-1], mixing[place]
            yield mixing.pop()


class _Payment(NamedTuple):
    """One payment to tell of."""

    name: str
    rng: random.Random
    invoice: str

    def amount(self) -> int:
        return self.rng.randint(100, 5000)


def _charge_alone(payment: _Payment) -> list[Delivery]:
    return [_incoming(payment, "charge", payment.amount())]


def _sisters(payment: _Payment) -> list[Delivery]:
    """Different events of the same money."""
    amount_minor = payment.amount()
    return [_incoming(payment, kind, amount_minor) for kind in ("session", "intent", "charge")]


def _growing_capture(payment: _Payment) -> list[Delivery]:
    first = payment.amount()
    return [
        _incoming(payment, "charge", first),
        _incoming(payment, "charge", first + payment.amount(), "_more"),
    ]


def _unknown_invoice(payment: _Payment) -> list[Delivery]:
    return _charge_alone(payment._replace(invoice=f"NONE-{payment.name}"))


def _refunded(payment: _Payment) -> list[Delivery]:
    (charge,) = _charge_alone(payment)
    parts = [charge.amount_minor // 2, charge.amount_minor // 3][: payment.rng.randint(1, 2)]
    return [
        charge,
        *(_refund(payment, str(n), minor, "succeeded") for n, minor in enumerate(parts)),
    ]


def _refund_that_fails(payment: _Payment) -> list[Delivery]:
    (charge,) = _charge_alone(payment)
    return [
        charge,
        _refund(payment, "0", charge.amount_minor, "succeeded"),
        _refund(payment, "0", charge.amount_minor, "failed"),
    ]


def _senseless(payment: _Payment) -> list[Delivery]:
    return [_incoming(payment, "charge", -5)._replace(saying=Saying.SENSELESS)]


def _about_something_else(payment: _Payment) -> list[Delivery]:
    event_id = f"evt_{payment.name}_customer"
    return [
        Delivery(event_id, _filled("customer", payment, event_id, 1, payment.name), Saying.NOTHING)
    ]


_STORIES: Sequence[Story] = (
    *(_charge_alone, _sisters, _growing_capture, _unknown_invoice),
    *(_refunded, _refund_that_fails, _senseless, _about_something_else),
)
_WEIGHTS = (24, 30, 12, 8, 14, 5, 2, 5)


def _incoming(payment: _Payment, kind: str, amount_minor: int, more: str = "") -> Delivery:
    event_id = f"evt_{payment.name}_{kind}{more}"
    body = _filled(kind, payment, event_id, amount_minor, payment.name)
    reference = f"pi_{payment.name}"
    return Delivery(event_id, body, Saying.IN, reference, "", amount_minor, payment.invoice)


def _refund(payment: _Payment, number: str, amount_minor: int, status: str) -> Delivery:
    item = f"{payment.name}_{number}"
    event_id = f"evt_{item}_{status}"
    body = _filled(f"refund_{status}", payment, event_id, amount_minor, item)
    saying = Saying.OUT if status == "succeeded" else Saying.UNDONE
    return Delivery(event_id, body, saying, f"pi_{payment.name}", f"re_{item}", amount_minor)


_AMOUNT = 777_777_777
_SIGNS = (b"s", b"p", b"c")  # how their event ids end


def _filled(kind: str, payment: _Payment, event_id: str, amount_minor: int, item: str) -> bytes:
    return (
        _forms()[kind]
        .replace(b"EVENT", event_id.encode())
        .replace(b"PAYMENT", payment.name.encode())
        .replace(b"ITEM", item.encode())
        .replace(b"INVOICE", payment.invoice.encode())
        .replace(b"%d" % _AMOUNT, b"%d" % amount_minor)
    )


@cache
def _forms() -> dict[str, bytes]:
    """Each kind of event, to be filled in: making JSON anew for each would take all our time."""
    sisters = stripe_events.sisters("PAYMENT", _AMOUNT, "INVOICE")
    forms = {
        kind: body.replace(b"evt_PAYMENT_" + sign, b"EVENT")
        for kind, sign, body in zip(("session", "intent", "charge"), _SIGNS, sisters, strict=True)
    }
    for status in ("succeeded", "failed"):
        name = "refund.created" if status == "succeeded" else "refund.failed"
        forms[f"refund_{status}"] = stripe_events.event("EVENT", name, _a_refund(status))
    customer: dict[str, object] = {"id": "cus_PAYMENT", "object": "customer"}
    return {**forms, "customer": stripe_events.event("EVENT", "customer.created", customer)}


def _a_refund(status: str) -> dict[str, object]:
    return {
        "id": "re_ITEM",
        "object": "refund",
        "amount": _AMOUNT,
        "charge": "ch_PAYMENT",
        "payment_intent": "pi_PAYMENT",
        "currency": "ron",
        "status": status,
    }
