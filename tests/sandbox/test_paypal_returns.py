"""Refunds, reversals and disputes at pretend PayPal, with their money and their events."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.customers import AtPaypal
from tests.sandbox.listening import Listener


def _eur(value: str, currency: str = "EUR") -> dict[str, str]:
    return {"currency_code": currency, "value": value}


def test_a_refund_in_parts_ends_with_the_whole(at_paypal: AtPaypal, listener: Listener) -> None:
    capture = at_paypal.captured()["id"]
    first = at_paypal.refund(capture, amount=_eur("4.00"))
    part = at_paypal.get(f"/v2/payments/captures/{capture}").json()
    rest = at_paypal.refund(capture)
    at_paypal.sandbox.settle()

    whole = at_paypal.get(f"/v2/payments/captures/{capture}").json()
    told = [each.json["resource"] for each in listener.taken if each.kind.endswith(".REFUNDED")]
    totals = [each["seller_payable_breakdown"]["total_refunded_amount"]["value"] for each in told]
    shown = at_paypal.get(f"/v2/payments/refunds/{first.json()['id']}").json()
    assert (first.status_code, rest.status_code) == (201, 201)
    assert (part["status"], whole["status"]) == ("PARTIALLY_REFUNDED", "REFUNDED")
    assert sorted(totals) == ["24.20", "4.00"]
    assert shown["amount"] == _eur("4.00")
    assert next(link["href"] for link in shown["links"] if link["rel"] == "up").endswith(
        f"/v2/payments/captures/{capture}"
    )
    assert shown["create_time"].endswith("-08:00")
    assert at_paypal.sandbox.ask(lambda world: world.paypal.ledger.kept(capture)) == 0


def test_a_request_id_refunds_once(at_paypal: AtPaypal) -> None:
    capture = at_paypal.captured()["id"]
    answers = [at_paypal.refund(capture, "refund:1", amount=_eur("5.00")) for _ in range(3)]

    assert [each.status_code for each in answers] == [201, 200, 200]
    assert len({each.json()["id"] for each in answers}) == 1
    kept = at_paypal.sandbox.ask(lambda world: world.paypal.ledger.kept(capture))
    assert kept == Decimal("19.20")


@pytest.mark.parametrize(
    ("before", "amount", "issue"),
    [
        ([], _eur("24.21"), "REFUND_AMOUNT_EXCEEDED"),
        ([_eur("20.00")], _eur("4.21"), "REFUND_AMOUNT_EXCEEDED"),
        ([_eur("24.20")], _eur("0.01"), "CAPTURE_FULLY_REFUNDED"),
        ([], _eur("1.00", "USD"), "REFUND_CAPTURE_CURRENCY_MISMATCH"),
    ],
)
def test_a_refund_that_cannot_be_moves_nothing(
    at_paypal: AtPaypal, before: list[dict[str, str]], amount: dict[str, str], issue: str
) -> None:
    capture = at_paypal.captured()["id"]
    for each in before:
        at_paypal.refund(capture, amount=each)
    rows = at_paypal.sandbox.rows("paypal")

    answer = at_paypal.refund(capture, "k", amount=amount)

    assert (answer.status_code, _issue(answer)) == (422, issue)
    assert at_paypal.sandbox.rows("paypal") == rows


@pytest.mark.parametrize(
    ("button", "issue"),
    [("leave-pending", "PENDING_CAPTURE"), ("decline-capture", "CAPTURE_STATUS_NOT_VALID")],
)
def test_money_that_is_not_there_is_not_refunded(
    at_paypal: AtPaypal, button: str, issue: str
) -> None:
    capture = at_paypal.captured(button)["id"]

    assert _issue(at_paypal.refund(capture)) == issue


def test_a_reversal_takes_a_part_and_no_fee_back(at_paypal: AtPaypal, listener: Listener) -> None:
    capture = at_paypal.captured()["id"]
    at_paypal.panel(capture, "reverse", "15.20")
    at_paypal.sandbox.settle()

    told = listener.one("PAYMENT.CAPTURE.REVERSED")["resource"]
    order = at_paypal.sandbox.ask(lambda world: next(iter(world.paypal.orders)))
    shown = at_paypal.get(f"/v2/checkout/orders/{order}").json()["purchase_units"][0]["payments"]
    assert told["note_to_payer"] == "Payment reversed"
    assert told["amount"] == _eur("15.20")
    assert told["seller_payable_breakdown"]["paypal_fee"]["value"] == "0.00"
    assert "custom_id" not in told
    assert [each["id"] for each in shown["refunds"]] == [told["id"]]
    assert shown["captures"][0]["status"] == "PARTIALLY_REFUNDED"
    kept = at_paypal.sandbox.ask(lambda world: world.paypal.ledger.kept(capture))
    assert kept == Decimal("9.00")


@pytest.mark.parametrize(
    ("button", "code", "kept", "refund"),
    [
        ("win", "RESOLVED_SELLER_FAVOUR", "24.20", "CANCELLED"),
        ("lose", "RESOLVED_BUYER_FAVOUR", "9.00", "COMPLETED"),
    ],
)
def test_a_dispute_moves_money_only_by_a_reversal(
    at_paypal: AtPaypal, listener: Listener, button: str, code: str, kept: str, refund: str
) -> None:
    capture = at_paypal.captured()["id"]
    at_paypal.panel(capture, "dispute", "15.20")
    dispute = at_paypal.sandbox.ask(lambda world: next(iter(world.paypal.disputes)))
    opened = at_paypal.sandbox.ask(lambda world: world.paypal.ledger.kept(capture))
    for each in ("withdraw", "withdraw", button, button):
        at_paypal.panel(dispute, each)
    at_paypal.sandbox.settle()

    created = listener.one("CUSTOMER.DISPUTE.CREATED")
    reversal = listener.one("PAYMENT.CAPTURE.REVERSED")["resource"]["id"]
    shown = at_paypal.get(f"/v1/customer/disputes/{dispute}").json()
    assert "id" not in created["resource"]
    assert created["resource"]["disputed_transactions"][0]["seller_transaction_id"] == capture
    assert opened == Decimal("24.20")
    assert listener.one("CUSTOMER.DISPUTE.RESOLVED")["resource"] == shown
    assert (shown["status"], shown["dispute_outcome"]["outcome_code"]) == ("RESOLVED", code)
    assert at_paypal.get(f"/v2/payments/refunds/{reversal}").json()["status"] == refund
    left = at_paypal.sandbox.ask(lambda world: world.paypal.ledger.kept(capture))
    assert left == Decimal(kept)


def test_events_are_listed_since_a_time_page_by_page(
    at_paypal: AtPaypal, listener: Listener
) -> None:
    at_paypal.sandbox.turn("paypal", drop=1.0)
    at_paypal.captured()
    path = "/v1/notifications/webhooks-events"
    page = at_paypal.get(path, page_size="2", start_time="2020-01-01T00:00:00Z").json()
    onward = [link["href"] for link in page["links"] if link["rel"] == "next"]
    rest = at_paypal.get(onward[0].removeprefix(f"{at_paypal.sandbox.url}/paypal")).json()
    resent = at_paypal.post(f"{path}/{rest['events'][0]['id']}/resend")
    at_paypal.sandbox.settle()

    kinds = [event["event_type"] for event in [*page["events"], *rest["events"]]]
    assert kinds == [
        "PAYMENT.CAPTURE.COMPLETED",
        "CHECKOUT.ORDER.COMPLETED",
        "CHECKOUT.ORDER.APPROVED",
    ]
    assert "next" not in [link["rel"] for link in rest["links"]]
    assert resent.status_code == 202
    assert listener.kinds() == ["CHECKOUT.ORDER.APPROVED"]
    assert at_paypal.get(path, start_time="2999-01-01T00:00:00Z").json()["count"] == 0
    assert at_paypal.get(path, event_type="CHECKOUT.ORDER.COMPLETED").json()["count"] == 1
    assert at_paypal.get(path, start_time="yesterday").status_code == 400


def _issue(answer: Any) -> str:
    return str(answer.json()["details"][0]["issue"])
