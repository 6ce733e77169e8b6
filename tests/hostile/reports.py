"""Rows 12 and 15-23: what is genuine, and yet makes no sense, or is not ours, or comes again."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.hostile.house import Scene
from tests.hostile.row import (
    APPLIED,
    BOOKED,
    KEPT,
    NOTED,
    RECEIVED,
    SHOWN,
    Row,
    reported,
    signed,
)
from tests.hostile.stripe_told import told
from tests.hostile.wire import Answer

_DONE = ("done", None)
_ALL = ("session_paid", "intent_succeeded", "charge_succeeded")
_AMOUNTS = {
    "session_paid": "amount_total",
    "intent_succeeded": "amount_received",
    "charge_succeeded": "amount_captured",
    "refund_created": "amount",
    "dispute_lost_and_won": "amount",
}


def _ignored(number: int, name: str, reason: str, *attention: str, **event: Any) -> Row:
    return reported(
        number,
        name,
        lambda scene: [told(scene, "intent_succeeded", **event)],
        events=[("ignored", reason)],
        attention=attention,
        changes=SHOWN if attention else KEPT,
    )


def _dead(number: int, name: str, code: str, recorded: str, subject: dict[str, Any]) -> Row:
    """It cannot be booked, and nobody may be chased until a person has looked."""
    return reported(
        number,
        name,
        lambda scene: [told(scene, recorded, subject)],
        events=[("dead", code)],
        attention=["dead_event"],
        changes=SHOWN,
        is_other=number == 17,
    )


def _amount(name: str, amount: object, code: str = "malformed_amount") -> list[Row]:
    return [
        _dead(16, f"{name} in {recorded}", code, recorded, {field: amount})
        for recorded, field in _AMOUNTS.items()
    ]


def _unidentified(name: str, subject: dict[str, Any]) -> Row:
    """Money of nobody knows whom: booked, applied to nothing, and shown."""
    return reported(
        18,
        name,
        lambda scene: [told(scene, "intent_succeeded", subject)],
        events=[_DONE],
        attention=["unknown_invoice"],
        postings=["receive"],
        changes=BOOKED | {"attention"},
    )


def _fifty_at_once(scene: Scene) -> Sequence[Answer]:
    request = signed(told(scene, "intent_succeeded"))
    with ThreadPoolExecutor(50) as pool:
        return [answer for (answer,) in pool.map(lambda _: scene.say(request), range(50))]


ROWS = (
    reported(
        12,
        "a test event at a live door",
        lambda scene: [told(scene, "intent_succeeded", livemode=False)],
        door="live",
        events=[("ignored", "the other mode")],
        attention=["other_mode"],
        changes=SHOWN,
    ),
    _ignored(12, "a live event at a test door", "the other mode", "other_mode", livemode=True),
    _ignored(12, "a mode that is a text", "the other mode", "other_mode", livemode="false"),
    _ignored(12, "no mode at all", "the other mode", "other_mode", livemode=None),
    _ignored(15, "an unknown type", "says nothing", type="customer.created"),
    _ignored(15, "a type of 255", "says nothing", type="x" * 255),
    *_amount("negative", -24200),
    *_amount("nought", 0),
    *_amount("a fraction", 10.5),
    *_amount("a fraction that is whole", 10.0),
    *_amount("a text", "100"),
    *_amount("2^63", 2**63, "amount_out_of_range"),
    *_amount("2^63 - 1", 2**63 - 1, "amount_out_of_range"),
    *_amount("null", None),
    *_amount("true", True),
    *(
        _dead(17, f"{name} as currency", "unknown_currency", "intent_succeeded", {"currency": code})
        for name, code in {"xyz": "xyz", "nothing": "", "null": None, "10 kB": "r" * 10_000}.items()
    ),
    reported(
        17,
        "another currency than the invoice's",
        lambda scene: [told(scene, "intent_succeeded", {"currency": "eur"})],
        events=[_DONE],
        attention=["other_currency"],
        postings=["receive"],
        changes=BOOKED | {"intents", "attention"},
    ),
    _unidentified("no metadata", {"metadata": {}}),
    _unidentified("metadata that is a list", {"metadata": ["invoice_id"]}),
    _unidentified("a number nobody has", {"metadata": {"invoice_id": "INV-9999"}}),
    _unidentified("another row's number", {"metadata": {"invoice_id": "1"}}),
    _unidentified("SQL", {"metadata": {"invoice_id": "' OR 1=1--"}}),
    _unidentified("a list literal of SQL", {"metadata": {"invoice_id": '{"INV-0001"}'}}),
    _unidentified("a wildcard", {"metadata": {"invoice_id": "INV-%"}}),
    _unidentified("NUL and half a character", {"metadata": {"invoice_id": "INV\0\ud800"}}),
    _unidentified("two lines", {"metadata": {"invoice_id": "INV-0001\nINV-0002"}}),
    _unidentified("200 kB", {"metadata": {"invoice_id": "I" * 200_000}}),
    reported(
        18,
        "another client's invoice",
        lambda scene: [told(scene, "intent_succeeded", {"customer": "cus_of_somebody_else"})],
        events=[_DONE],
        postings=["receive", "allocate"],
        changes=APPLIED,
        is_other=True,
    ),
    Row(
        number=18,
        name="1 MB is more than a body may be",
        prepare=lambda scene: scene.invoice,
        play=lambda scene: scene.say(
            signed(told(scene, "intent_succeeded", {"metadata": {"invoice_id": "I" * 1_000_000}}))
        ),
        answers={413: 1},
        is_other=True,
    ),
    Row(
        number=19,
        name="fifty at once",
        prepare=lambda scene: scene.invoice,
        play=_fifty_at_once,
        answers={200: 50},
        body=RECEIVED,
        counts={"accepted": 1, "duplicates": 49},
        events=[_DONE],
        postings=["receive", "allocate"],
        changes=APPLIED,
    ),
    reported(
        20,
        "three events of one payment",
        lambda scene: [told(scene, name) for name in _ALL],
        events=[_DONE] * 3,
        postings=["receive", "allocate"],
        changes=APPLIED,
    ),
    reported(
        20,
        "three events of one payment that is booked",
        lambda scene: [told(scene, name, id=f"evt_{scene.tag}_{name}_2") for name in _ALL],
        before=lambda scene: [told(scene, name) for name in _ALL],
        events=[_DONE] * 3,
        changes=KEPT,
    ),
    reported(
        21,
        "a refund above the payment",
        lambda scene: [told(scene, "refund_created", {"amount": 30_000})],
        before=lambda scene: [told(scene, "intent_succeeded")],
        events=[_DONE],
        attention=["loss", "refunded"],
        postings=["allocate", "refund", "loss"],
        changes=(APPLIED - {"payment_names", "intents", "reminders"}) | {"attention"},
        is_other=True,
    ),
    reported(
        21,
        "a refund of a charge nobody knows",
        lambda scene: [told(scene, "refund_created")],
        events=[_DONE],
        changes=NOTED | {"outbox"},
        is_other=True,
    ),
    reported(
        22,
        "a thin event",
        lambda scene: [told(scene, "thin")],
        events=[("ignored", "a thin event")],
        changes=KEPT,
    ),
    _ignored(22, "a thin event with money in it", "a thin event", object="v2.core.event"),
    _ignored(23, "another account", "another account", "other_account", account="acct_1Somebody"),
    _ignored(23, "an account that is an object", "another account", "other_account", account={}),
)
