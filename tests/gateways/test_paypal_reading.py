"""What PayPal's events hint at, and what its answers tell of money."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.attention import AttentionKind
from domain.errors import Refused
from domain.facts import Approval, Ask, FactClass, Ignored, Move, Report, Status, Trust
from domain.money import Money
from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from tests import paypal_server
from tests.gateways.deliveries import paypal_body
from tests.paypal_seal import WEBHOOK_ID
from tests.paypal_server import CLIENT, MERCHANT, SECRET, Account

CAPTURE, REFUND, ORDER = "3C679366HH908993F", "1Y107995YT783435V", "5O190127TN364715T"


@pytest.fixture
def account() -> Iterator[Account]:
    with paypal_server.serving() as account:
        yield account


def a_paypal(account: Account | None = None, merchant: str = MERCHANT) -> PayPal:
    api = PayPalApi(account.url, CLIENT, SECRET) if account else None
    return PayPal(merchant, WEBHOOK_ID, Certificates(is_live=False), is_live=False, api=api)


def told(raw: bytes, merchant: str = MERCHANT) -> Any:
    return a_paypal(merchant=merchant).read(raw)


def an_ask(name: str) -> Ask:
    return Ask("paypal", f"{MERCHANT}/test", name, is_hint=True)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("payment_capture_completed", CAPTURE),
        ("payment_capture_pending", "02T21492PP3782704"),
        ("payment_capture_denied", "7U133281TB3277326"),
        ("payment_capture_refunded", f"{CAPTURE}/{REFUND}"),
        ("payment_capture_reversed", f"{CAPTURE}/09E71677NS257044M"),
    ],
)
def test_every_report_of_money_is_a_hint_that_is_asked_about(name: str, asked: str):
    assert told(paypal_body(name)) == (an_ask(asked),)


def test_the_declined_capture_has_two_names():
    raw = paypal_body("payment_capture_denied", event_type="PAYMENT.CAPTURE.DECLINED")

    assert told(raw) == (an_ask("7U133281TB3277326"),)


def test_an_approved_order_is_to_be_captured_and_moves_nothing():
    assert told(paypal_body("checkout_order_approved")) == (
        Approval("paypal", f"{MERCHANT}/test", ORDER),
    )
    authorised = paypal_body("checkout_order_approved", {"intent": "AUTHORIZE"})
    assert isinstance(told(authorised), Ignored)


def test_a_completed_order_is_asked_about_by_its_captures_or_by_itself():
    kind = "CHECKOUT.ORDER.COMPLETED"
    paid = {"purchase_units": [{"payments": {"captures": [{"id": "A"}, {"id": "B"}, {"id": "A"}]}}]}

    several = told(paypal_body("checkout_order_approved", paid, event_type=kind))
    none = told(paypal_body("checkout_order_approved", event_type=kind))

    assert several == (an_ask("A"), an_ask("B"))
    assert none == (an_ask(f"order:{ORDER}"),)


def test_a_dispute_is_shown_and_asked_about_when_it_is_resolved():
    opened = told(paypal_body("customer_dispute_created"))
    going_on = told(paypal_body("customer_dispute_created", event_type="CUSTOMER.DISPUTE.UPDATED"))
    over = told(paypal_body("customer_dispute_created", event_type="CUSTOMER.DISPUTE.RESOLVED"))

    assert opened.attention is AttentionKind.DISPUTE_OPENED
    assert isinstance(going_on, Ignored)
    assert going_on.attention is None
    assert over == (an_ask(CAPTURE),)


@pytest.mark.parametrize(
    "kind",
    ["PAYMENT.SALE.COMPLETED", "PAYMENT.SALE.REFUNDED", "CHECKOUT.PAYMENT-APPROVAL.REVERSED", "x"],
)
def test_everything_else_is_ignored(kind: str):
    assert isinstance(told(paypal_body("payment_capture_completed", event_type=kind)), Ignored)


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("checkout_order_approved", {"purchase_units": [{"payee": {"merchant_id": "OTHER"}}]}),
        ("payment_capture_completed", {"payee": {"merchant_id": "OTHER"}}),
        (
            "customer_dispute_created",
            {"disputed_transactions": [{"seller": {"merchant_id": "OTHER"}}]},
        ),
    ],
)
def test_what_names_another_merchant_is_ignored_and_shown(name: str, resource: dict[str, Any]):
    raw = paypal_body(name, resource)

    assert told(raw).attention is AttentionKind.OTHER_ACCOUNT
    assert told(raw, merchant="own") != told(raw)


@pytest.mark.parametrize(
    "value",
    [
        *("1e3", "1,000.00", "１０.00", " 10.00 ", "10.001", "10.00 ", "+10.00", "-10.00", "10."),
        *(".5", "", "NaN", "Infinity", "0x10", "10_0", "0", "0.00", "1" * 16, "٣.00"),
        *(10.0, 10, None, True, ["10.00"]),
    ],
)
def test_an_amount_is_a_plain_decimal_text_above_nought(value: object):
    amount = {"currency_code": "EUR", "value": value}

    for name in ("payment_capture_completed", "payment_capture_refunded"):
        with pytest.raises(Refused, match=r"amount"):
            told(paypal_body(name, {"amount": amount}))


@pytest.mark.parametrize("code", ["JPY", "KRW"])
def test_a_currency_without_decimals_has_none(code: str):
    with pytest.raises(Refused, match="digits"):
        told(
            paypal_body(
                "payment_capture_completed", {"amount": {"currency_code": code, "value": "10.5"}}
            )
        )


@pytest.mark.parametrize("code", [None, 7, "", "eur", "EURO", "XXX"])
def test_an_unknown_currency_is_refused(code: object):
    with pytest.raises(Refused, match="currency"):
        told(
            paypal_body(
                "payment_capture_completed", {"amount": {"currency_code": code, "value": "1.00"}}
            )
        )


@pytest.mark.parametrize(
    "href",
    [
        f"https://api.paypal.com.evil.tld/v2/payments/captures/{CAPTURE}",
        f"https://evil.tld/v2/payments/captures/{CAPTURE}",
        f"https://api.paypal.com@evil.tld/v2/payments/captures/{CAPTURE}",
        f"https://api.paypal.com:8443/v2/payments/captures/{CAPTURE}",
        f"http://api.paypal.com/v2/payments/captures/{CAPTURE}",
        f"https://api.paypal.com/v2/payments/captures/{CAPTURE}/refund",
        f"https://api.paypal.com/v2/payments/captures/../{CAPTURE}",
        f"https://api.paypal.com/v2/payments/captures/{CAPTURE}?x=1",
        f"https://api.paypal.com/v2/payments/captures/{CAPTURE}\n",
        "https://api.paypal.com/v2/payments/captures/",
        f"//api.paypal.com/v2/payments/captures/{CAPTURE}",
        7,
    ],
)
def test_a_refund_names_its_capture_by_a_link_of_paypals_alone(href: object):
    raw = paypal_body("payment_capture_refunded", {"links": [{"rel": "up", "href": href}]})

    with pytest.raises(Refused, match="which capture"):
        told(raw)


def reports(reading: Any) -> dict[tuple[Move, str], Report]:
    assert isinstance(reading, tuple)
    found = {}
    for each in reading:
        assert isinstance(each, Report)
        assert each.fact.trust is Trust.LOOKUP
        found[each.fact.key.move, each.fact.key.item] = each
    return found


def test_an_answer_tells_what_came_and_what_it_cost(account: Account):
    capture = account.pay(account.order(ORDER), CAPTURE)
    paypal = a_paypal(account)

    answer = paypal.lookup(CAPTURE)
    found = reports(paypal.read(answer))

    assert json.dumps(capture, indent=1).encode() in answer  # in PayPal's own words
    assert set(found) == {(Move.IN, ""), (Move.FEE, CAPTURE)}
    came = found[Move.IN, ""].fact
    assert (came.key.reference, came.status, came.money) == (
        CAPTURE,
        Status.SUCCEEDED,
        Money("EUR", 2420),
    )
    assert came.meant_for == ("INV-0001", "INV-0001-1")
    assert came.happened_at == datetime(2026, 11, 20, 10, 0, 10, tzinfo=UTC)
    assert found[Move.FEE, CAPTURE].fact.money == Money("EUR", 117)
    assert account.asked == [
        "token",
        f"GET /v2/payments/captures/{CAPTURE}",
        f"GET /v2/checkout/orders/{ORDER}",
    ]
    assert paypal.lookup(CAPTURE) == answer


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("PENDING", Status.PENDING),
        ("DECLINED", Status.FAILED),
        ("FAILED", Status.FAILED),
        ("COMPLETED", Status.SUCCEEDED),
        ("PARTIALLY_REFUNDED", Status.SUCCEEDED),
        ("REFUNDED", Status.SUCCEEDED),
    ],
)
def test_a_completed_order_is_worth_what_its_capture_is(
    account: Account, status: str, meaning: Status
):
    account.pay(account.order(ORDER), CAPTURE, status)
    paypal = a_paypal(account)

    for name in (CAPTURE, f"order:{ORDER}"):
        assert reports(paypal.read(paypal.lookup(name)))[Move.IN, ""].fact.status is meaning


def test_refunds_and_reversals_are_facts_of_their_own(account: Account):
    capture = account.pay(account.order(ORDER), CAPTURE)
    given_back = {"paypal_fee": {"currency_code": "EUR", "value": "0.17"}}
    nothing_back = {"paypal_fee": {"currency_code": "EUR", "value": "0.00"}}
    account.refund(capture, REFUND, "5.00", seller_payable_breakdown=given_back)
    account.refund(
        capture,
        "REVERSED",
        "15.20",
        note_to_payer="Payment reversed",
        seller_payable_breakdown=nothing_back,
    )
    account.refund(capture, "PENDING", "1.00", status="PENDING")
    account.refund(capture, "FAILED", "2.00", status="FAILED")
    paypal = a_paypal(account)

    found = reports(paypal.read(paypal.lookup(CAPTURE)))

    assert {
        item: (each.fact.status, each.fact.fact_class, each.fact.money.minor)
        for (move, item), each in found.items()
        if move is Move.OUT
    } == {
        REFUND: (Status.SUCCEEDED, FactClass.REFUND, 500),
        "REVERSED": (Status.SUCCEEDED, FactClass.CHARGEBACK, 1520),
        "PENDING": (Status.PENDING, FactClass.REFUND, 100),
        "FAILED": (Status.FAILED, FactClass.REFUND, 200),
    }
    assert found[Move.REBATE, REFUND].fact.money == Money("EUR", 17)
    assert found[Move.OUT, REFUND].fact.happened_at == datetime(
        2026, 11, 21, 19, 13, 29, tzinfo=UTC
    )


def test_a_refund_that_no_order_lists_is_asked_for_by_its_own_name(account: Account):
    capture = account.pay(account.order(ORDER), CAPTURE)
    account.refund(capture, REFUND, "5.00", is_listed=False)
    paypal = a_paypal(account)

    alone = reports(paypal.read(paypal.lookup(CAPTURE)))
    asked = reports(paypal.read(paypal.lookup(f"{CAPTURE}/{REFUND}")))

    assert (Move.OUT, REFUND) not in alone
    assert asked[Move.OUT, REFUND].fact.money.minor == 500


def test_no_delivery_can_pass_for_an_answer(account: Account):
    """An answer of ours has no event type, and what has none is never kept from outside."""
    account.pay(account.order(ORDER), CAPTURE)
    paypal = a_paypal(account)
    forged = json.loads(paypal.lookup(CAPTURE)) | {"id": "WH-1", "event_type": "x"}

    with pytest.raises(Refused, match="resource"):
        paypal.read(json.dumps(forged).encode())


def test_an_answer_of_another_merchant_is_ignored_and_shown(account: Account):
    account.pay(account.order(ORDER, payee={"merchant_id": "OTHER"}), CAPTURE)
    paypal = a_paypal(account)

    reading = paypal.read(paypal.lookup(CAPTURE))

    assert isinstance(reading, Ignored)
    assert reading.attention is AttentionKind.OTHER_ACCOUNT


def test_a_monstrous_reference_is_kept_readable(account: Account):
    account.pay(account.order(ORDER, custom_id="INV\r\n1", invoice_id="<b>" * 9_000), CAPTURE)
    paypal = a_paypal(account)

    names = reports(paypal.read(paypal.lookup(CAPTURE)))[Move.IN, ""].fact.meant_for

    assert len(names) == 2
    assert all(name.isprintable() and len(name) < 100 for name in names)
