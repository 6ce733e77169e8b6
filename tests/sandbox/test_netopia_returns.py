"""Refunds and chargebacks at pretend NETOPIA: money that moves, and notices that tell little."""

import re

import pytest

from tests.sandbox.listening import Listener
from tests.sandbox.netopia_customers import AtNetopia


def _moves(at_netopia: AtNetopia) -> list[tuple[str, str]]:
    return [(row.move, str(row.amount)) for row in at_netopia.sandbox.rows("netopia")]


def test_a_repeated_refund_gives_twice(at_netopia: AtNetopia, listener: Listener) -> None:
    ntp_id = at_netopia.paid()

    answers = [at_netopia.credit(ntp_id, 20.25) for _ in range(2)]

    assert [each["error"]["code"] for each in answers] == ["00", "00"]
    assert [each["payment"]["amount"] for each in answers] == [20.25, 20.25]
    assert {(each["payment"]["ntpID"], each["payment"]["status"]) for each in answers} == {
        (ntp_id, 8)
    }
    assert at_netopia.told() == [3, 5, 8, 8]
    assert {each.json["payment"]["amount"] for each in listener.taken} == {120.5}
    assert _moves(at_netopia) == [("in", "120.50"), ("out", "20.25"), ("out", "20.25")]
    assert at_netopia.status(ntp_id).json()["payment"]["amount"] == 120.5


@pytest.mark.parametrize("amount", [120.51, 100.26, 0.001, -1, "20.00"])
def test_a_refund_that_cannot_be_moves_nothing(at_netopia: AtNetopia, amount: float) -> None:
    ntp_id = at_netopia.paid()
    at_netopia.credit(ntp_id, 20.25)
    before = _moves(at_netopia)

    code = at_netopia.credit(ntp_id, amount)["error"]["code"]

    assert code == ("99" if amount in (120.51, 100.26) else "400")
    assert _moves(at_netopia) == before
    assert at_netopia.told() == [3, 5, 8]


def test_what_was_not_paid_is_not_given_back(at_netopia: AtNetopia) -> None:
    ntp_id = at_netopia.start()["ntpID"]

    assert at_netopia.credit(ntp_id, 1)["error"]["code"] == "99"
    assert at_netopia.panel(ntp_id, "refund").status_code == 400
    assert at_netopia.credit("404404404", 1)["error"]["code"] == "404"


def test_an_approval_of_another_amount_did_nothing(at_netopia: AtNetopia) -> None:
    ntp_id = at_netopia.paid()
    at_netopia.sandbox.turn("netopia", other_amount=1.0)

    answer = at_netopia.credit(ntp_id, 20)

    assert (answer["error"]["code"], answer["payment"]["status"]) == ("00", 8)
    assert answer["payment"]["amount"] == 10
    assert _moves(at_netopia) == [("in", "120.50")]
    assert at_netopia.told() == [3, 5]
    assert at_netopia.sandbox.counted("netopia")["other_amount"] == 1


def test_a_refund_at_the_panel_is_told_without_its_amount(
    at_netopia: AtNetopia, listener: Listener
) -> None:
    ntp_id = at_netopia.paid()

    assert at_netopia.panel(ntp_id, "refund", "40.005").status_code == 400
    assert at_netopia.panel(ntp_id, "refund", "40").status_code == 303
    at_netopia.sandbox.settle()
    assert at_netopia.panel(ntp_id, "refund").status_code == 303
    assert at_netopia.panel(ntp_id, "refund", "0.01").status_code == 400

    assert at_netopia.told() == [3, 5, 8, 8]
    assert {each.json["payment"]["amount"] for each in listener.taken} == {120.5}
    assert _moves(at_netopia) == [("in", "120.50"), ("out", "40.00"), ("out", "80.50")]


@pytest.mark.parametrize(
    ("buttons", "statuses", "moves"),
    [
        (["dispute", "lose"], [9, 10], ["in", "out"]),
        (["dispute", "win"], [9, 16], ["in"]),
        (["dispute", "win", "lose"], [9, 16, 10], ["in", "out"]),
        (["dispute", "lose", "reverse"], [9, 10, 17], ["in", "out", "back"]),
    ],
)
def test_a_chargeback_is_of_the_whole_payment(
    at_netopia: AtNetopia, buttons: list[str], statuses: list[int], moves: list[str]
) -> None:
    ntp_id = at_netopia.paid()

    for button in buttons:
        assert at_netopia.panel(ntp_id, button).status_code == 303
        assert at_netopia.panel(ntp_id, button).status_code == 400, "once"
        at_netopia.sandbox.settle()

    assert at_netopia.told() == sorted([3, 5, *statuses])
    assert _moves(at_netopia) == [(move, "120.50") for move in moves]


def test_a_part_cannot_be_disputed(at_netopia: AtNetopia) -> None:
    ntp_id = at_netopia.paid()

    assert at_netopia.panel(ntp_id, "dispute", "30").status_code == 400
    assert at_netopia.told() == [3, 5]


def test_the_panel_shows_each_payment_with_what_may_be_done_next(at_netopia: AtNetopia) -> None:
    at_netopia.start("INV-1-1")
    waits, paid = at_netopia.start("INV-2-1"), at_netopia.paid("INV-3-1")
    at_netopia.press(waits, "leave-pending")
    at_netopia.credit(paid, 20)

    html = at_netopia.browser.get(f"{at_netopia.sandbox.url}/").text

    articles = html.partition("<h2>NETOPIA</h2>")[2].partition("<h2>")[0].split("<article")[1:]
    buttons = [re.findall(r'<button data-test="([a-z-]+)"', each) for each in articles]
    assert buttons == [["refund", "dispute"], ["complete-pending", "fail-pending"], ["expire"]]
    assert 'value="100.50"' in articles[0]
    assert "20.00 RON" in articles[0]
