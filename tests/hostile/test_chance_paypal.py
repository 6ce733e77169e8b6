"""Whatever chance makes of PayPal's events and answers: no event books, no amount grows."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Refused
from domain.facts import Approval, Ask, Reading, Report
from domain.money import decimal_text
from gateways.paypal import PayPal
from gateways.paypal_answers import framed
from gateways.paypal_certificates import Certificates
from tests.gateways.deliveries import paypal_body
from tests.hostile.mutations import leaves, misled, torn, unstorable
from tests.paypal_seal import WEBHOOK_ID
from tests.paypal_server import MERCHANT, Account

PAYPAL = PayPal(MERCHANT, WEBHOOK_ID, Certificates(is_live=False), is_live=False)
UNHURRIED = settings(
    deadline=None, max_examples=1_500, suppress_health_check=[HealthCheck.too_slow], database=None
)
RECORDED = (
    *("checkout_order_approved", "customer_dispute_created", "payment_capture_completed"),
    *("payment_capture_pending", "payment_capture_denied", "payment_capture_refunded"),
    "payment_capture_reversed",
)
KINDS = (
    *("CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED", "PAYMENT.CAPTURE.COMPLETED"),
    *("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED", "CUSTOMER.DISPUTE.RESOLVED"),
)


def test_no_event_books_anything_by_itself():
    found: Counter[str] = Counter()

    @UNHURRIED
    @given(st.randoms(use_true_random=False), st.booleans())
    def reads(random: Random, is_torn: bool) -> None:
        event = json.loads(paypal_body(random.choice(RECORDED)))
        body = json.dumps(misled(event, random, kinds=("event_type", KINDS))).encode()
        reading = _read(torn(body, random) if is_torn else body)
        told = reading if isinstance(reading, tuple) else ()
        found[_name(reading)] += 1
        assert unstorable(reading) == []
        assert all(isinstance(each, Ask | Approval) for each in told)
        assert all(each.is_hint for each in told if isinstance(each, Ask))

    reads()

    print(found)  # noqa: T201 - how often
    assert found["Ask"] > 150
    assert found["Approval"] > 20
    assert found["Ignored"] > 50
    assert found["Refused"] > 150


def test_no_amount_of_an_answer_grows():
    found: Counter[str] = Counter()

    @UNHURRIED
    @given(st.randoms(use_true_random=False), st.booleans())
    def reads(random: Random, is_torn: bool) -> None:
        body = json.dumps(misled(json.loads(_answer(random)), random)).encode()
        body = torn(body, random) if is_torn else body
        reading = _read(body)
        found[_name(reading)] += 1
        assert unstorable(reading) == []
        for told in reading if isinstance(reading, tuple) else ():
            assert isinstance(told, Report)
            _assert_told(told, json.loads(body))

    reads()

    print(found)  # noqa: T201 - how often
    assert found["Report"] > 300
    assert found["Refused"] > 150


def _answer(random: Random) -> bytes:
    """A capture with none, one or two refunds, as PayPal tells of it when it is asked."""
    account = Account()
    capture = account.pay(account.order("ORDER1"), "CAP1", random.choice(("COMPLETED", "PENDING")))
    refunds = [
        account.refund(capture, f"REF{n}", "7.10", is_listed=random.random() < 0.5)
        for n in range(random.randrange(3))
    ]
    order = account.orders["ORDER1"]
    return framed(*(json.dumps(each).encode() for each in (capture, order, *refunds)))


def _assert_told(report: Report, answer: dict[str, Any]) -> None:
    """The money is an amount of the answer's own, positive, in a currency that it names."""
    money, told = report.fact.money, list(leaves(answer))

    assert money.minor > 0
    assert Decimal(decimal_text(money)) in set(_amounts(told))
    assert money.currency in told
    assert set(report.names) <= {each for each in told if isinstance(each, str)}


def _amounts(told: list[Any]) -> Iterator[Decimal]:
    for each in told:
        if isinstance(each, str):
            with suppress(ArithmeticError):
                yield Decimal(each)


def _read(body: bytes) -> Reading | Refused:
    try:
        return PAYPAL.read(body)
    except Refused as refusal:
        return refusal


def _name(reading: Reading | Refused) -> str:
    first = reading[0] if isinstance(reading, tuple) and reading else reading
    return type(first).__name__
