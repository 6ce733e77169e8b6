"""Pretend MobilPay's panel and its SOAP, by hand: captures, refunds, and what is told of them."""

from decimal import Decimal

import pytest

from tests.sandbox.listening import Listener
from tests.sandbox.mobilpay_customers import AtMobilpay, fault, result


@pytest.mark.parametrize(("minus", "sign"), [(0.0, ""), (1.0, "-")])
def test_the_panel_gives_back_in_parts_and_never_more_than_came(
    at_mobilpay: AtMobilpay, minus: float, sign: str
) -> None:
    at_mobilpay.sandbox.turn("mobilpay", minus=minus)
    at_mobilpay.paid()

    answers = [at_mobilpay.panel("INV-1-1", "refund", each) for each in ("20.50", "20.50", "")]
    refused = at_mobilpay.panel("INV-1-1", "refund", "0.01")

    assert [each.status_code for each in answers] == [303] * 3
    assert (refused.status_code, "(54)" in refused.text) == (400, True)
    back = [("credit", 0, f"{sign}{amount}") for amount in ("20.50", "20.50", "79.50")]
    assert at_mobilpay.told()[1:] == back
    rows = at_mobilpay.sandbox.rows("mobilpay")
    assert [(row.move, row.item, row.amount) for row in rows[1:]] == [
        ("out", "credit-1", Decimal("20.50")),
        ("out", "credit-2", Decimal("20.50")),
        ("out", "credit-3", Decimal("79.50")),
    ]


def test_a_part_of_what_is_held_is_captured(at_mobilpay: AtMobilpay) -> None:
    at_mobilpay.press(at_mobilpay.page(), "authorise")
    too_much = at_mobilpay.panel("INV-1-1", "capture", "120.51")

    assert at_mobilpay.panel("INV-1-1", "capture", "100.00").status_code == 303
    again = at_mobilpay.panel("INV-1-1", "capture")

    assert ("(55)" in too_much.text, "(52)" in again.text) == (True, True)
    assert at_mobilpay.told() == [("paid", 0, "120.50"), ("confirmed", 0, "100.00")]
    assert [row.amount for row in at_mobilpay.sandbox.rows("mobilpay")] == [Decimal("100.00")]


def test_what_is_held_is_let_go(at_mobilpay: AtMobilpay) -> None:
    at_mobilpay.press(at_mobilpay.page(), "authorise")

    at_mobilpay.panel("INV-1-1", "cancel")

    assert at_mobilpay.told() == [("paid", 0, "120.50"), ("canceled", 0, "120.50")]
    assert at_mobilpay.sandbox.rows("mobilpay") == ()


def test_an_expired_order_takes_no_card_and_nobody_is_told(at_mobilpay: AtMobilpay) -> None:
    page = at_mobilpay.page()

    at_mobilpay.panel("INV-1-1", "expire")
    at_mobilpay.press(page, "pay")

    assert at_mobilpay.told() == []
    assert 'data-test="pay"' not in at_mobilpay.browser.get(page).text


def test_the_last_notice_is_told_again_of_another_instant(at_mobilpay: AtMobilpay) -> None:
    at_mobilpay.paid()
    at_mobilpay.panel("INV-1-1", "refund", "20.50")
    at_mobilpay.panel("INV-1-1", "tell-again")

    told = at_mobilpay.told()
    crcs = [each.find("mobilpay").get("crc") for each in at_mobilpay.notices()]

    assert told[1:] == [("credit", 0, "20.50")] * 2
    assert len(set(crcs)) == 3
    assert len(at_mobilpay.sandbox.rows("mobilpay")) == 2


def test_the_panel_lists_it_with_what_can_be_done(at_mobilpay: AtMobilpay) -> None:
    at_mobilpay.paid()

    shown = at_mobilpay.browser.get(at_mobilpay.sandbox.url).text

    assert 'data-test="order-INV-1-1"' in shown
    assert 'data-test="refund-amount"' in shown
    assert 'value="120.50"' in shown
    assert at_mobilpay.panel("INV-1-1", "dispute").status_code == 400
    assert at_mobilpay.panel("INV-9-9", "refund").status_code == 400


def test_who_logs_in_gives_back_by_soap_and_is_told_of_it(
    at_mobilpay: AtMobilpay, listener: Listener
) -> None:
    at_mobilpay.paid()
    session = at_mobilpay.session()

    first = at_mobilpay.credit(session, "INV-1-1", "20.50")
    again = at_mobilpay.credit(session, "INV-1-1", "20.50")
    beyond = at_mobilpay.credit(session, "INV-1-1", "79.51")

    assert (first.status_code, result(first)["code"]) == (200, "0")
    assert result(again)["code"] == "0", "it remembers nothing: the same again goes out again"
    assert result(beyond)["code"] == "54"
    assert at_mobilpay.told()[1:] == [("credit", 0, "20.50")] * 2
    rows = at_mobilpay.sandbox.rows("mobilpay")
    assert [row.amount for row in rows[1:]] == [Decimal("20.50")] * 2
    assert {each.path for each in listener.taken} == {"/webhooks/mobilpay/a-secret"}


def test_nobody_else_gives_back(at_mobilpay: AtMobilpay) -> None:
    at_mobilpay.paid()
    session = at_mobilpay.session()

    assert fault(at_mobilpay.login("wrong")) == "Invalid username or password"
    assert fault(at_mobilpay.credit("0" * 32, "INV-1-1", "1.00")) == "Invalid session"
    assert fault(at_mobilpay.credit(session, "INV-1-1", "1.00", "AAAA")) == "Invalid account"
    assert fault(at_mobilpay.soap("getCash", [])) != ""
    for amount in ("", "0", "-1", "1.001", "NaN", "1e999"):
        assert result(at_mobilpay.credit(session, "INV-1-1", amount))["code"] == "32", amount
    assert result(at_mobilpay.credit(session, "INV-9-9", "1.00"))["code"] == "48"
    assert len(at_mobilpay.sandbox.rows("mobilpay")) == 1


@pytest.mark.parametrize(("trouble", "times"), [("error_before", 0), ("error_after", 1)])
def test_a_lost_answer_may_have_been_done(
    at_mobilpay: AtMobilpay, trouble: str, times: int
) -> None:
    at_mobilpay.paid()
    session = at_mobilpay.session()
    at_mobilpay.sandbox.turn("mobilpay", next=[trouble])

    answer = at_mobilpay.credit(session, "INV-1-1", "20.50")

    assert answer.status_code == 500
    assert len(at_mobilpay.sandbox.rows("mobilpay")) == 1 + times
    assert at_mobilpay.sandbox.counted("mobilpay")[trouble] == 1
