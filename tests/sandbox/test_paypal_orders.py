"""Orders and captures at pretend PayPal, asked for over plain HTTP."""

import threading
import time
from typing import Any

import pytest

from tests.sandbox.customers import AtPaypal, order_body
from tests.sandbox.listening import Listener


def test_a_captured_order_tells_of_one_payment_in_sister_events(
    at_paypal: AtPaypal, listener: Listener
) -> None:
    order = at_paypal.order()
    back = at_paypal.press(order, "pay")
    before = at_paypal.get(f"/v2/checkout/orders/{order}").json()
    answer = at_paypal.capture(order)
    at_paypal.sandbox.settle()

    (capture,) = answer.json()["purchase_units"][0]["payments"]["captures"]
    told = listener.one("PAYMENT.CAPTURE.COMPLETED")["resource"]
    assert back.headers["location"].startswith(f"https://seller.test/back?link=7&token={order}&Pay")
    assert (before["status"], answer.status_code) == ("APPROVED", 201)
    assert "payments" not in before["purchase_units"][0]
    assert capture["id"] == told["id"]
    assert told["supplementary_data"]["related_ids"]["order_id"] == order
    assert told["custom_id"] == "INV-1"
    assert told["seller_receivable_breakdown"]["gross_amount"]["value"] == "24.20"
    assert sorted(listener.kinds()) == [
        "CHECKOUT.ORDER.APPROVED",
        "CHECKOUT.ORDER.COMPLETED",
        "PAYMENT.CAPTURE.COMPLETED",
    ]
    assert at_paypal.get(f"/v2/payments/captures/{capture['id']}").json() == told
    shown = at_paypal.get(f"/v2/checkout/orders/{order}").json()
    assert shown["purchase_units"][0]["payments"]["captures"] == [capture]


def test_an_approval_moves_no_money(at_paypal: AtPaypal) -> None:
    at_paypal.press(at_paypal.order(), "pay")

    assert not at_paypal.sandbox.rows("paypal")


def test_a_request_id_makes_one_order_and_one_capture(
    at_paypal: AtPaypal, listener: Listener
) -> None:
    first = at_paypal.post("/v2/checkout/orders", "k", json=order_body())
    again = at_paypal.post("/v2/checkout/orders", "k", json=order_body())
    other = at_paypal.post("/v2/checkout/orders", "k", json=order_body(value="1.00"))
    order = first.json()["id"]
    at_paypal.press(order, "pay")
    captures = [at_paypal.capture(order, f"capture:{order}") for _ in range(3)]
    at_paypal.sandbox.settle()

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == order
    assert _issue(other) == (422, "DUPLICATE_REQUEST_ID")
    assert [each.status_code for each in captures] == [201, 200, 200]
    assert len({each.text for each in captures}) == 1
    assert listener.kinds().count("PAYMENT.CAPTURE.COMPLETED") == 1


def test_a_request_id_that_is_in_flight_is_refused(at_paypal: AtPaypal) -> None:
    at_paypal.sandbox.turn("paypal", next=["slow"], slow_seconds=1.5)
    slow = threading.Thread(target=lambda: at_paypal.order("k"))
    slow.start()
    while not at_paypal.sandbox.counted("paypal").get("slow"):
        time.sleep(0.01)
    refused = at_paypal.post("/v2/checkout/orders", "k", json=order_body())
    slow.join()

    assert _issue(refused) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")
    assert at_paypal.post("/v2/checkout/orders", "k", json=order_body()).status_code == 200


def test_a_refused_capture_does_not_spend_its_request_id(at_paypal: AtPaypal) -> None:
    order = at_paypal.order()
    early = at_paypal.capture(order, "capture")
    at_paypal.press(order, "decline")
    declined = at_paypal.capture(order, "capture")
    between = at_paypal.get(f"/v2/checkout/orders/{order}").json()
    at_paypal.press(order, "pay")
    captured = at_paypal.capture(order, "capture")
    late = at_paypal.capture(order, "another")

    assert _issue(early) == (422, "ORDER_NOT_APPROVED")
    assert _issue(declined) == (422, "INSTRUMENT_DECLINED")
    assert between["status"] == "PAYER_ACTION_REQUIRED"
    assert [link["rel"] for link in between["links"]] == ["self", "payer-action"]
    assert captured.status_code == 201
    assert _issue(late) == (422, "ORDER_ALREADY_CAPTURED")


@pytest.mark.parametrize(
    "issue",
    [
        "INSTRUMENT_DECLINED",
        "PAYER_CANNOT_PAY",
        "TRANSACTION_REFUSED",
        "COMPLIANCE_VIOLATION",
        "PAYER_ACTION_REQUIRED",
    ],
)
def test_a_customer_can_make_a_capture_fail_in_each_way(at_paypal: AtPaypal, issue: str) -> None:
    order = at_paypal.order()
    at_paypal.press(order, f"refuse-{issue}")

    assert _issue(at_paypal.capture(order)) == (422, issue)
    assert not at_paypal.sandbox.rows("paypal")


def test_too_many_refusals_end_an_order(at_paypal: AtPaypal) -> None:
    order = at_paypal.order()
    issues = []
    for _ in range(10):
        at_paypal.press(order, "decline")
        issues.append(_issue(at_paypal.capture(order))[1])

    assert issues == ["INSTRUMENT_DECLINED"] * 9 + ["MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED"]


def test_an_invoice_id_is_captured_once(at_paypal: AtPaypal) -> None:
    at_paypal.captured()
    second = at_paypal.order()
    at_paypal.press(second, "pay")

    assert _issue(at_paypal.capture(second)) == (422, "DUPLICATE_INVOICE_ID")


def test_a_caller_may_ask_for_an_error(at_paypal: AtPaypal) -> None:
    order = at_paypal.order()
    at_paypal.press(order, "pay")
    mock = {"PayPal-Mock-Response": '{"mock_application_codes":"PAYER_CANNOT_PAY"}'}

    assert _issue(at_paypal.capture(order, headers=mock)) == (422, "PAYER_CANNOT_PAY")
    assert at_paypal.capture(order).status_code == 201


@pytest.mark.parametrize(
    ("button", "end", "event", "kept"),
    [
        ("complete-pending", "COMPLETED", "PAYMENT.CAPTURE.COMPLETED", 2),
        ("fail-pending", "DECLINED", "PAYMENT.CAPTURE.DENIED", 0),
    ],
)
def test_a_pending_capture_of_a_completed_order_ends_either_way(
    at_paypal: AtPaypal, listener: Listener, button: str, end: str, event: str, kept: int
) -> None:
    capture = at_paypal.captured("leave-pending")
    order = at_paypal.sandbox.ask(lambda world: next(iter(world.paypal.orders)))
    waiting = at_paypal.get(f"/v2/checkout/orders/{order}").json()["status"]
    for _ in range(2):
        at_paypal.press(order, button)
    at_paypal.sandbox.settle()

    pending = listener.one("PAYMENT.CAPTURE.PENDING")["resource"]
    assert (waiting, capture["status"]) == ("COMPLETED", "PENDING")
    assert pending["status_details"] == {"reason": "PENDING_REVIEW"}
    assert not {"custom_id", "seller_receivable_breakdown"} & set(pending)
    assert listener.one(event)["resource"]["status"] == end
    assert len(at_paypal.sandbox.rows("paypal")) == kept


def test_an_order_can_be_completed_with_a_declined_capture(
    at_paypal: AtPaypal, listener: Listener
) -> None:
    capture = at_paypal.captured("decline-capture")
    at_paypal.sandbox.settle()

    assert capture["status"] == "DECLINED"
    assert listener.one("CHECKOUT.ORDER.COMPLETED")["resource"]["status"] == "COMPLETED"
    assert listener.one("PAYMENT.CAPTURE.DECLINED")["resource"]["id"] == capture["id"]
    assert not at_paypal.sandbox.rows("paypal")


def test_an_approval_can_be_reversed_before_the_capture(
    at_paypal: AtPaypal, listener: Listener
) -> None:
    order = at_paypal.order()
    at_paypal.press(order, "pay")
    at_paypal.panel(order, "reverse-approval")
    at_paypal.sandbox.settle()

    assert listener.one("CHECKOUT.PAYMENT-APPROVAL.REVERSED")["resource"]["order_id"] == order
    assert _issue(at_paypal.capture(order)) == (422, "ORDER_NOT_APPROVED")


@pytest.mark.parametrize(
    ("value", "currency", "status", "issue"),
    [
        ("24.20", "RON", 422, "CURRENCY_NOT_SUPPORTED"),
        ("100.00", "HUF", 422, "DECIMALS_NOT_SUPPORTED"),
        ("100.0", "JPY", 422, "DECIMALS_NOT_SUPPORTED"),
        ("1.005", "EUR", 422, "DECIMAL_PRECISION"),
        ("0.00", "EUR", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("-1.00", "EUR", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("1,00", "EUR", 400, "INVALID_PARAMETER_VALUE"),
        ("1.00", "eur", 400, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_an_amount_that_paypal_does_not_take_is_refused(
    at_paypal: AtPaypal, value: str, currency: str, status: int, issue: str
) -> None:
    body = order_body(value=value, currency=currency)

    answer = at_paypal.post("/v2/checkout/orders", "k", json=body)

    assert _issue(answer) == (status, issue)
    assert at_paypal.post("/v2/checkout/orders", "k", json=order_body()).status_code == 201


@pytest.mark.parametrize("currency", ["HUF", "JPY", "TWD"])
def test_some_currencies_have_no_decimals(at_paypal: AtPaypal, currency: str) -> None:
    capture = at_paypal.captured(value="1500", currency=currency)

    assert capture["seller_receivable_breakdown"]["net_amount"]["value"] == "1439"


@pytest.mark.parametrize("name", ["custom_id", "invoice_id"])
def test_a_name_that_is_too_long_is_refused(at_paypal: AtPaypal, name: str) -> None:
    body = order_body()
    body["purchase_units"][0][name] = "x" * 128

    answer = at_paypal.post("/v2/checkout/orders", json=body)

    assert _issue(answer) == (400, "INVALID_STRING_LENGTH")


def test_the_whole_order_is_shown_to_who_prefers_it(at_paypal: AtPaypal) -> None:
    brief = at_paypal.post("/v2/checkout/orders", json=order_body())
    whole = at_paypal.post(
        "/v2/checkout/orders", json=order_body(), headers={"Prefer": "return=representation"}
    )

    assert set(brief.json()) == {"id", "status", "payment_source", "links"}
    assert whole.json()["purchase_units"][0]["custom_id"] == "INV-1"
    assert whole.json()["status"] == brief.json()["status"] == "PAYER_ACTION_REQUIRED"


def test_a_stale_or_wrong_token_is_refused_and_a_new_one_is_let_in(at_paypal: AtPaypal) -> None:
    told = at_paypal.new_token()
    at_paypal.browser.post(f"{at_paypal.sandbox.url}/control/expire-tokens")
    stale = at_paypal.get("/v2/checkout/orders/X")
    at_paypal.token = at_paypal.new_token().json()["access_token"]
    fresh = at_paypal.get("/v2/checkout/orders/X")

    assert told.json()["expires_in"] == 32_400
    assert at_paypal.new_token(secret="wrong").status_code == 401
    assert (stale.status_code, stale.json()["error"]) == (401, "invalid_token")
    assert (fresh.status_code, fresh.json()["name"]) == (404, "RESOURCE_NOT_FOUND")


def _issue(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["details"][0]["issue"]
