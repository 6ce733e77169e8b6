"""Rows 33, 34 and 36: what PayPal signed, and yet makes no sense, or is about nobody's money."""

from collections.abc import Sequence
from typing import Any

from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from tests import paypal_server
from tests.hostile import paypal_told as paypal
from tests.hostile.house import Scene
from tests.hostile.paypal_told import capture, told
from tests.hostile.row import BOOKED, RECEIVED, SHOWN, Row
from tests.hostile.wire import Answer
from tests.paypal_seal import WEBHOOK_ID
from tests.paypal_server import CLIENT, SECRET, Account
from workers import lookups

_PARKED = frozenset({"inbox", "outbox"})


def _dead(name: str, code: str, recorded: str, amount: object, currency: object = "EUR") -> Row:
    money = {"value": amount, "currency_code": currency}
    return Row(
        number=33,
        name=f"{name} in {recorded}",
        door="paypal",
        play=lambda scene: _say(scene, told(scene, recorded, {"amount": money})),
        answers={200: 1},
        body=RECEIVED,
        counts={"accepted": 1},
        events=[("dead", code)],
        attention=["dead_event"],
        changes=SHOWN,
    )


def _of_nobody(recorded: str) -> Row:
    """Row 34: parked until PayPal was asked; a person is told when PayPal knows nothing of it."""
    return Row(
        number=34,
        name=recorded,
        door="paypal",
        play=lambda scene: _say(scene, told(scene, recorded)),
        answers={200: 1},
        body=RECEIVED,
        counts={"accepted": 1},
        events=[("parked", "a hint alone")],
        changes=_PARKED,
    )


def _named(name: str, **unit: Any) -> Row:
    """Row 36: the money came, for a name that no invoice bears."""

    def play(scene: Scene) -> Sequence[Answer]:
        with paypal_server.serving() as account:
            order = account.order(f"ORD{scene.tag}", **unit)
            account.pay(order, capture(scene))
            answers = _say(scene, told(scene, "payment_capture_completed"))
            scene.house.settle()
            assert _ask(scene, account)
        return answers

    def prepare(scene: Scene) -> None:
        """PayPal knows nothing of what other scenes left to ask."""
        with paypal_server.serving() as account:
            assert not _ask(scene, account)

    return Row(
        number=36,
        name=name,
        door="paypal",
        prepare=prepare,
        play=play,
        answers={200: 1},
        body=RECEIVED,
        counts={"accepted": 1},
        events=[("done", None), ("done", None)],
        attention=["unknown_invoice"],
        postings=["receive", "fee"],
        changes=BOOKED | {"attention", "outbox"},
    )


def _ask(scene: Scene, account: Account) -> list[int]:
    """Asks about everything that is due; the answers' numbers."""
    api = PayPalApi(account.url, CLIENT, SECRET)
    certificates = Certificates(is_live=False)
    gateway = PayPal("own", WEBHOOK_ID, certificates, is_live=False, api=api)
    kept: list[int] = []
    while lookups.look_up_next(scene.house.store, {"paypal": gateway}, kept):
        pass
    return kept


def _say(scene: Scene, body: bytes) -> list[Answer]:
    return scene.say(paypal.request(scene, body))


_AMOUNTS: dict[str, tuple[object, object]] = {
    "an exponent": ("1e3", "EUR"),
    "a thousands' separator": ("1,000.00", "EUR"),
    "digits of full width": ("１０.00", "EUR"),
    "spaces": (" 10.00 ", "EUR"),
    "a third digit": ("10.001", "EUR"),
    "a digit too many": ("10.5", "JPY"),
    "a sign": ("-10.00", "EUR"),
    "a plus": ("+10.00", "EUR"),
    "nought": ("0.00", "EUR"),
    "nothing": ("", "EUR"),
    "NaN": ("NaN", "EUR"),
    "a number": (10.5, "EUR"),
    "null": (None, "EUR"),
    "Arabic digits": ("١٠.00", "EUR"),
    "40 digits": ("1" * 40, "EUR"),
}

ROWS = (
    *(
        _dead(name, "malformed_amount", recorded, *money)
        for name, money in _AMOUNTS.items()
        for recorded in ("payment_capture_completed", "payment_capture_refunded")
    ),
    _dead("far too much", "amount_out_of_range", "payment_capture_completed", "9" * 15),
    *(
        _dead(
            f"the currency {code!r}", "unknown_currency", "payment_capture_completed", "1.00", code
        )
        for code in ("XXX", "eur", "", None, 7)
    ),
    _of_nobody("payment_capture_pending"),
    _of_nobody("payment_capture_denied"),
    _of_nobody("payment_capture_refunded"),
    _of_nobody("payment_capture_reversed"),
    _named("two lines", invoice_id="INV-0001\r\nX-Note: 1", custom_id="INV\r\n"),
    _named("HTML", invoice_id="<script>alert(1)</script>", custom_id="<b>"),
    _named("10 kB", invoice_id="I" * 10_000, custom_id="nobody's"),
    _named("SQL", invoice_id="' OR 1=1--", custom_id='{"INV-0001"}'),
    _named("a NUL and half a character", invoice_id="INV\0", custom_id="\ud800"),
)
