"""Payments at pretend NETOPIA: start, hosted page, notices, and how they stand."""

from datetime import datetime
from typing import Any

import pytest

from sandbox import running
from sandbox.options import Options
from tests.sandbox.listening import Listener
from tests.sandbox.moving import Hands
from tests.sandbox.netopia_customers import TAKEN, AtNetopia


def test_a_start_leads_to_a_page_and_its_payment_comes_back_paid_then_confirmed(
    at_netopia: AtNetopia, listener: Listener
) -> None:
    payment = at_netopia.start()
    page = at_netopia.browser.get(payment["paymentURL"])
    new = at_netopia.status(payment["ntpID"], "INV-1-1").json()

    answer = at_netopia.press(payment, "pay")

    assert at_netopia.told() == [3, 5]
    both = [each.json for each in listener.taken]
    first, second = sorted(both, key=lambda each: each["payment"]["status"])
    assert 'data-test="amount">120.50 RON<' in page.text
    assert (new["payment"]["status"], new["order"]["orderID"]) == (1, "INV-1-1")
    assert answer.headers["location"] == "https://seller.test/back?link=7&orderId=INV-1-1"
    assert first["order"] == {"orderID": "INV-1-1", "data": {}}
    assert first["payment"]["ntpID"] == second["payment"]["ntpID"] == payment["ntpID"]
    assert (first["payment"]["amount"], first["payment"]["currency"]) == (120.5, "RON")
    assert datetime.fromisoformat(first["payment"]["operationDate"]).utcoffset() is not None
    assert [row.amount for row in at_netopia.sandbox.rows("netopia")] == [120.5]


def test_an_order_id_is_good_for_one_start(at_netopia: AtNetopia) -> None:
    at_netopia.start()

    again = at_netopia.post("/payment/card/start", at_netopia.asked())
    other = at_netopia.post("/payment/card/start", at_netopia.asked(amount=99))

    codes = [answer.json()["error"]["code"] for answer in (again, other)]
    assert (again.status_code, other.status_code, codes) == (200, 200, ["56", "99"])
    assert "payment" not in again.json()
    assert at_netopia.sandbox.ask(lambda world: len(world.netopia.payments)) == 1


def test_only_the_key_alone_opens_the_api(at_netopia: AtNetopia) -> None:
    calls = ("/payment/card/start", "/operation/status", "/operation/credit")

    for key in ("other", "", "Bearer sandbox-key"):
        answers = [at_netopia.post(path, at_netopia.asked(), key) for path in calls]
        assert [each.status_code for each in answers] == [401, 401, 401]

    assert at_netopia.sandbox.ask(lambda world: world.netopia.payments) == {}


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("order", "posSignature", "AAAA-BBBB-CCCC-DDDD-EEEE"),
        ("order", "orderID", ""),
        ("order", "orderID", "9" * 65),
        ("order", "amount", "120.50"),
        ("order", "amount", 0.05),
        ("order", "amount", 100_000),
        ("order", "amount", 1.234),
        ("order", "amount", True),
        ("order", "currency", "XTS"),
        ("config", "notifyUrl", ""),
        ("config", "redirectUrl", None),
    ],
)
def test_a_start_that_is_wrong_starts_nothing(
    at_netopia: AtNetopia, part: str, field: str, value: Any
) -> None:
    asked = at_netopia.asked()
    asked[part][field] = value

    answer = at_netopia.post("/payment/card/start", asked)

    assert answer.status_code == 400
    assert field in answer.json()["error"]["message"]
    assert at_netopia.sandbox.ask(lambda world: world.netopia.payments) == {}


@pytest.mark.parametrize(
    ("buttons", "statuses"),
    [
        (["decline", "pay"], [12, 3, 5]),
        (["fail-at-bank", "pay", "pay"], [11, 3, 5]),
        (["leave-pending", "complete-pending"], [6, 3, 5]),
        (["leave-pending", "fail-pending", "complete-pending"], [6, 12]),
        (["leave-in-review", "complete-pending"], [13, 3, 5]),
        (["ask-3ds", "fail-pending", "pay"], [15, 12, 3, 5]),
    ],
)
def test_each_button_is_told_by_its_status_under_the_one_name(
    at_netopia: AtNetopia, listener: Listener, buttons: list[str], statuses: list[int]
) -> None:
    payment = at_netopia.start()

    for button in buttons:
        assert at_netopia.press(payment, button).status_code == 303
        at_netopia.sandbox.settle()

    assert at_netopia.told() == sorted(statuses)
    assert {each.json["payment"]["ntpID"] for each in listener.taken} == {payment["ntpID"]}
    moved = [row.move for row in at_netopia.sandbox.rows("netopia")]
    assert moved == (["in"] if statuses[-1] == 5 else [])


def test_who_asks_of_another_or_unknown_payment_is_told_nothing(at_netopia: AtNetopia) -> None:
    ntp_id = at_netopia.start()["ntpID"]

    assert at_netopia.status("", "INV-1-1").json()["payment"]["ntpID"] == ntp_id
    assert at_netopia.status("404404404").status_code == 404
    assert at_netopia.status(ntp_id, "INV-9-1").status_code == 404
    assert at_netopia.status(ntp_id, pos="AAAA-BBBB-CCCC-DDDD-EEEE").status_code == 400


def test_what_nobody_pays_in_time_expires_and_is_told(listener: Listener, browser: Any) -> None:
    hands = Hands()
    listener.body = TAKEN
    with running.beside(Options(listener.url, seed=7), hands.now) as sandbox:
        at_netopia = AtNetopia(sandbox, browser, listener)
        late, paid = at_netopia.start(), at_netopia.paid("INV-2-1")
        hands.move(hours=3)

        shown = browser.get(late["paymentURL"]).text
        at_netopia.press(late, "pay")

        assert at_netopia.told() == [3, 5, 23]
        assert 'data-test="expired"' in shown
        assert 'data-test="pay"' not in shown
        assert [row.reference for row in sandbox.rows("netopia")] == [paid]


def test_a_payment_in_euro_is_told_in_lei_where_the_knob_says_so(at_netopia: AtNetopia) -> None:
    at_netopia.sandbox.turn("netopia", in_lei=1.0)
    started = at_netopia.start("INV-1-1", amount=68.7, currency="EUR")
    at_netopia.press(started, "pay")
    at_netopia.sandbox.settle()

    answer = at_netopia.credit(started["ntpID"], 8.7)

    assert (started["amount"], started["currency"]) == (361.78, "RON")
    assert (answer["payment"]["amount"], answer["payment"]["currency"]) == (8.7, "EUR")
    rows = [(row.move, str(row.amount), row.currency) for row in at_netopia.sandbox.rows("netopia")]
    assert rows == [("in", "361.78", "RON"), ("out", "45.82", "RON")]
    assert at_netopia.sandbox.counted("netopia")["in_lei"] == 1
