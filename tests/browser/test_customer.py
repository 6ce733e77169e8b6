"""A customer pays at a hosted link, in a browser: whatever he does, page and books agree."""

from collections.abc import Callable

import pytest

from tests.browser.shop import Customer

pytestmark = pytest.mark.timeout(600)


def test_a_card_is_declined_then_waits_in_vain_then_pays(customer: Callable[..., Customer]) -> None:
    ana = customer("Ana", "RON", "1234.50")
    ana.opens_his_link()
    ana.agrees("payable", status="sent", open_="1234.50", payments=0)

    ana.chooses("stripe")
    ana.presses("decline")
    ana.presses("cancel")
    ana.sees_on_looking_again("failed")
    ana.agrees("failed", status="sent", open_="1234.50", payments=0)

    ana.chooses("stripe")
    ana.presses("leave-pending")
    ana.sees_by_and_by("processing")
    ana.sees_on_looking_again("processing")
    ana.agrees("processing", status="sent", open_="1234.50", payments=0)

    ana.sets_at_the_panel("fail-pending")
    ana.sees_on_looking_again("failed")
    ana.agrees("failed", status="sent", open_="1234.50", payments=0)

    ana.chooses("stripe")
    ana.presses("pay")
    ana.sees_by_and_by("paid")
    ana.agrees("paid", status="paid", open_="0.00", payments=1)
    assert ana.steps == 5


def test_a_card_payment_left_pending_is_paid_once_it_completes(
    customer: Callable[..., Customer],
) -> None:
    ion = customer("Ion", "EUR", "75.20")
    ion.opens_his_link()
    ion.chooses("stripe")
    ion.presses("leave-pending")
    ion.sees_by_and_by("processing")
    ion.sees_on_looking_again("processing")
    ion.agrees("processing", status="sent", open_="75.20", payments=0)

    ion.sets_at_the_panel("complete-pending")
    ion.sees_on_looking_again("paid")
    ion.agrees("paid", status="paid", open_="0.00", payments=1)
    assert ion.steps == 2


def test_paypal_declines_then_waits_then_pays(customer: Callable[..., Customer]) -> None:
    eva = customer("Eva", "EUR", "2080.00")
    eva.opens_his_link()
    eva.agrees("payable", status="sent", open_="2080.00", payments=0)

    eva.chooses("paypal")
    eva.presses("decline-capture")
    eva.sees_by_and_by("failed")
    eva.agrees("failed", status="sent", open_="2080.00", payments=0)

    eva.chooses("paypal")
    eva.presses("leave-pending")
    eva.sees_by_and_by("processing")
    eva.sees_on_looking_again("processing")
    eva.agrees("processing", status="sent", open_="2080.00", payments=0)

    eva.sets_at_the_panel("complete-pending")
    eva.sees_on_looking_again("paid")
    eva.agrees("paid", status="paid", open_="0.00", payments=1)
    assert eva.steps == 4


def test_paypal_pays_at_once(customer: Callable[..., Customer]) -> None:
    max_ = customer("Max", "EUR", "49.90")
    max_.opens_his_link()
    max_.chooses("paypal")
    max_.presses("pay")
    max_.sees_by_and_by("paid")
    max_.agrees("paid", status="paid", open_="0.00", payments=1)
    assert max_.steps == 1


def test_paypal_refuses_his_card_then_takes_another(customer: Callable[..., Customer]) -> None:
    ida = customer("Ida", "EUR", "310.00")
    ida.opens_his_link()
    ida.chooses("paypal")
    ida.presses("decline")
    ida.sees_on_looking_again("failed")
    ida.agrees("failed", status="sent", open_="310.00", payments=0)

    ida.chooses("paypal")
    ida.presses("pay")
    ida.sees_by_and_by("paid")
    ida.agrees("paid", status="paid", open_="0.00", payments=1)
    assert ida.steps == 2


def test_who_opens_both_gateways_and_pays_at_both_pays_once(
    customer: Callable[..., Customer],
) -> None:
    mia = customer("Mia", "EUR", "18.30")
    mia.opens_his_link()
    mia.chooses("paypal")
    other_tab = mia.page.url
    mia.opens_his_link()
    mia.chooses("stripe")
    mia.presses("pay")
    mia.sees_by_and_by("paid")

    mia.page.goto(other_tab)
    mia.presses("pay")
    mia.sees_by_and_by("paid")
    mia.waits_until_an_order_is_left_alone()
    mia.agrees("paid", status="paid", open_="0.00", payments=1)
    assert mia.steps == 1
