"""Pretend MobilPay against a seller and a customer by hand: orders, cards, notices."""

import re
from decimal import Decimal

import httpx
import pytest

from sandbox.ledger import Row
from tests.sandbox.listening import Listener
from tests.sandbox.mobilpay_customers import (
    AGAIN,
    NEVER,
    RETURN,
    SIGNATURE,
    AtMobilpay,
    order_xml,
    sealed,
)


@pytest.mark.parametrize("cipher", ["aes-256-cbc", "rc4"])
def test_an_order_is_paid_and_told_in_the_cipher_it_asked_for(
    at_mobilpay: AtMobilpay, listener: Listener, cipher: str
) -> None:
    page = at_mobilpay.page("INV-7-1", seal=cipher, cipher=cipher)
    shown = at_mobilpay.browser.get(page).text

    answer = at_mobilpay.press(page, "pay")

    assert 'data-test="amount">120.50 RON<' in shown
    assert (answer.status_code, answer.headers["location"]) == (303, f"{RETURN}&orderId=INV-7-1")
    (notice,) = at_mobilpay.notices()
    (taken,) = listener.taken
    assert taken.path == "/webhooks/mobilpay/a-secret"
    assert taken.headers["content-type"] == "application/x-www-form-urlencoded"
    assert f"cipher={cipher}" in taken.body.decode()
    assert (notice.get("id"), notice.findtext("signature")) == ("INV-7-1", SIGNATURE)
    assert notice.findtext("params/param/value") == "42"
    told = notice.find("mobilpay")
    assert re.fullmatch("20[0-9]{12}", told.get("timestamp"))
    assert re.fullmatch("[0-9a-f]{32}", told.get("crc"))
    assert told.findtext("original_amount") == told.findtext("processed_amount") == "120.50"
    assert told.find("error").get("code") == "0"
    purchase = told.findtext("purchase")
    rows = at_mobilpay.sandbox.rows("mobilpay")
    assert rows == (Row("in", str(purchase), "", "RON", Decimal("120.50")),)


_REFUSED = {
    "another point of sale": ({"signature": "AAAA-BBBB-CCCC-DDDD-EEEE"}, 48),
    "too little": ({"amount": "0.09"}, 32),
    "too much": ({"amount": "99999.01"}, 32),
    "three decimals": ({"amount": "1.001"}, 32),
    "no number": ({"amount": "1e3"}, 32),
    "another currency": ({"currency": "EUR"}, 33),
    "a cipher that is none": ({"cipher": "rot13"}, 48),
    "far too long a name": ({"order_id": "x" * 65}, 48),
}


@pytest.mark.parametrize(("changes", "code"), _REFUSED.values(), ids=_REFUSED)
def test_what_it_takes_no_order_for_it_refuses(
    at_mobilpay: AtMobilpay, changes: dict[str, str], code: int
) -> None:
    told = {"order_id": "INV-1-1", "confirm": at_mobilpay.confirm, **changes}

    answer = at_mobilpay.post(order_xml(**told))

    assert (answer.status_code, _code(answer)) == (400, code)
    assert at_mobilpay.sandbox.ask(lambda world: world.mobilpay.orders) == {}


@pytest.mark.parametrize("field", ["env_key", "data", "iv", "cipher"])
def test_what_cannot_be_opened_is_refused(at_mobilpay: AtMobilpay, field: str) -> None:
    url = at_mobilpay.sandbox.url
    certificate = at_mobilpay.browser.get(f"{url}/control/mobilpay/public.cer").content
    form = sealed(order_xml("INV-1-1", at_mobilpay.confirm), certificate)

    for wrong in ("", "?", "AAAA"):
        answer = at_mobilpay.browser.post(f"{url}/mobilpay", data={**form, field: wrong})
        assert (answer.status_code, _code(answer)) == (400, 48)


def test_an_amount_at_either_end_is_taken(at_mobilpay: AtMobilpay) -> None:
    for number, amount in enumerate(("0.10", "99999", "99999.00")):
        assert at_mobilpay.page(f"INV-{number}-1", amount=amount)


def test_an_order_that_waits_for_its_card_is_one_page_and_another_amount_is_refused(
    at_mobilpay: AtMobilpay,
) -> None:
    first, again = at_mobilpay.page(), at_mobilpay.page()

    other = at_mobilpay.post(order_xml("INV-1-1", at_mobilpay.confirm, amount="120.51"))

    assert first == again
    assert _code(other) == 99
    assert at_mobilpay.told() == []


def test_a_customer_who_comes_again_after_he_paid_is_refused_and_told_of(
    at_mobilpay: AtMobilpay,
) -> None:
    at_mobilpay.paid()

    answer = at_mobilpay.post(order_xml("INV-1-1", at_mobilpay.confirm))

    assert _code(answer) == 56
    assert at_mobilpay.told() == [("confirmed", 0, "120.50"), ("confirmed", 56, "0.00")]
    assert len(at_mobilpay.sandbox.rows("mobilpay")) == 1


@pytest.mark.parametrize("is_new", [False, True])
def test_after_a_decline_he_pays_by_the_same_purchase_or_another(
    at_mobilpay: AtMobilpay, is_new: bool
) -> None:
    at_mobilpay.sandbox.turn("mobilpay", new_purchase=float(is_new))
    page = at_mobilpay.page()

    declined = at_mobilpay.press(page, "decline")
    at_mobilpay.press(page, "pay")

    assert declined.headers["location"] == page
    assert at_mobilpay.told() == [("confirmed", 20, "120.50"), ("confirmed", 0, "120.50")]
    first, second = (each.findtext("mobilpay/purchase") for each in at_mobilpay.notices())
    assert (first != second) is is_new
    assert [row.reference for row in at_mobilpay.sandbox.rows("mobilpay")] == [second]


_BUTTONS = {
    "pending, then paid": (
        ("leave-pending", "complete-pending"),
        [("confirmed_pending", 0, "120.50"), ("confirmed", 0, "120.50")],
    ),
    "pending, then suspected": (
        ("leave-pending", "fail-pending"),
        [("confirmed_pending", 0, "120.50"), ("confirmed", 36, "120.50")],
    ),
    "held": (("authorise",), [("paid", 0, "120.50")]),
    "held after a look": (
        ("leave-authorisation-pending", "complete-pending"),
        [("paid_pending", 0, "120.50"), ("paid", 0, "120.50")],
    ),
    "paid twice": (("pay", "pay", "decline"), [("confirmed", 0, "120.50")]),
    "declined twice": (("decline", "decline"), [("confirmed", 20, "120.50")] * 2),
}


@pytest.mark.parametrize(("buttons", "told"), _BUTTONS.values(), ids=_BUTTONS)
def test_every_button_is_told_of_once(
    at_mobilpay: AtMobilpay, buttons: tuple[str, ...], told: list[tuple[str, int, str]]
) -> None:
    page = at_mobilpay.page()

    for button in buttons:
        at_mobilpay.press(page, button)

    assert at_mobilpay.told() == told
    is_paid = told[-1][:2] == ("confirmed", 0)
    assert len(at_mobilpay.sandbox.rows("mobilpay")) == is_paid


def test_to_look_at_the_page_changes_nothing(at_mobilpay: AtMobilpay) -> None:
    page = at_mobilpay.page()
    seen = {at_mobilpay.browser.get(page).text for _ in range(3)}

    assert len(seen) == 1
    for name in ("pay", "decline", "leave-pending", "return"):
        assert f'data-test="{name}"' in seen.copy().pop()
    assert at_mobilpay.told() == []
    assert at_mobilpay.press(page, "no-such-button").status_code == 404
    assert at_mobilpay.browser.get(f"{page}0").status_code == 404


def test_the_customer_waits_for_the_first_answer_and_for_no_further_one(
    at_mobilpay: AtMobilpay, listener: Listener
) -> None:
    listener.bodies = [AGAIN, b"<html>login</html>", b""]
    page = at_mobilpay.page()

    answer = at_mobilpay.press(page, "pay")
    first = len(listener.taken)
    at_mobilpay.sandbox.settle()

    assert answer.status_code == 303
    assert first >= 1
    assert len(listener.taken) == 4
    assert len({each.body for each in listener.taken}) == 4, "each is sealed anew"
    counted = at_mobilpay.sandbox.counted("mobilpay")
    assert (counted["retried"], counted["refused"], counted["accepted"]) == (3, 3, 1)


def test_what_is_never_to_come_again_never_does(
    at_mobilpay: AtMobilpay, listener: Listener
) -> None:
    listener.bodies = [NEVER]
    at_mobilpay.paid()

    assert len(listener.taken) == 1
    assert at_mobilpay.sandbox.counted("mobilpay")["told_never"] == 1


@pytest.mark.parametrize("is_fresh", [False, True])
def test_a_resend_is_the_same_notice_or_of_another_instant(
    at_mobilpay: AtMobilpay, listener: Listener, is_fresh: bool
) -> None:
    at_mobilpay.sandbox.turn("mobilpay", fresh_crc=float(is_fresh))
    listener.bodies = [AGAIN]
    at_mobilpay.paid()

    first, second = (each.find("mobilpay") for each in at_mobilpay.notices())

    assert (first.get("crc") != second.get("crc")) is is_fresh
    assert at_mobilpay.sandbox.counted("mobilpay").get("fresh_crc", 0) == is_fresh
    assert first.findtext("purchase") == second.findtext("purchase")


def test_what_is_lost_comes_once_it_is_asked_for(
    at_mobilpay: AtMobilpay, listener: Listener
) -> None:
    at_mobilpay.sandbox.turn("mobilpay", drop=1.0)
    at_mobilpay.paid()
    assert listener.taken == []

    again = at_mobilpay.sandbox.resend()

    assert (again, at_mobilpay.told()) == (1, [("confirmed", 0, "120.50")])
    assert at_mobilpay.sandbox.resend() == 0


def _code(answer: httpx.Response) -> int:
    found = re.search(r'data-test="code">(\d+)<', answer.text)
    assert found, answer.text
    return int(found[1])
