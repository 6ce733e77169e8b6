"""Each of the four gateways is paid at through a hosted link, and three of them through one."""

from collections.abc import Callable

import pytest

from tests.browser.shop import Customer

pytestmark = pytest.mark.timeout(600)

_CURRENCIES = {"stripe": "RON", "paypal": "EUR", "mobilpay": "RON", "netopia": "RON"}
_PARTS = {"stripe": ("100.00", "500.00"), "mobilpay": ("200.50", "299.50")}


@pytest.mark.parametrize(("gateway", "currency"), _CURRENCIES.items(), ids=_CURRENCIES)
def test_a_link_is_declined_and_then_paid_at(
    customer: Callable[..., Customer], gateway: str, currency: str
) -> None:
    ana = customer(f"Ana at {gateway}", currency, "431.70")
    ana.opens_his_link()
    ana.agrees("payable", status="sent", open_="431.70", payments=0)

    ana.chooses(gateway)
    ana.presses("decline")
    ana.sees_on_looking_again("failed")
    ana.agrees("failed", status="sent", open_="431.70", payments=0)

    ana.chooses(gateway)
    ana.presses("pay")
    ana.sees_by_and_by("paid")
    ana.agrees("paid", status="paid", open_="0.00", payments=1)
    assert ana.has_paid_through() == [(gateway, "431.70")]
    assert ana.steps == 3


@pytest.mark.parametrize("gateway", ["mobilpay", "netopia"])
def test_what_is_left_pending_is_paid_once_it_completes(
    customer: Callable[..., Customer], gateway: str
) -> None:
    ion = customer(f"Ion at {gateway}", "RON", "75.20")
    ion.opens_his_link()
    ion.chooses(gateway)
    ion.presses("leave-pending")
    ion.sees_by_and_by("processing")
    ion.sees_on_looking_again("processing")
    ion.agrees("processing", status="sent", open_="75.20", payments=0)

    ion.sets_at_the_panel("complete-pending")
    ion.sees_on_looking_again("paid")
    ion.agrees("paid", status="paid", open_="0.00", payments=1)
    assert ion.steps == 2


def test_one_link_is_paid_in_parts_through_every_gateway_that_takes_lei(
    customer: Callable[..., Customer],
) -> None:
    dan = customer("Dan", "RON", "600.00")
    dan.may_pay_in_parts()
    for gateway, (part, left) in _PARTS.items():
        dan.opens_his_link()
        dan.chooses(gateway, part)
        dan.presses("pay")
        dan.still_owes(left)

    dan.opens_his_link()
    dan.chooses("netopia", "299.50")
    dan.presses("pay")
    dan.still_owes("0.00")

    assert dan.has_paid_through() == [
        ("mobilpay", "200.50"),
        ("netopia", "299.50"),
        ("stripe", "100.00"),
    ]
    assert dan.steps == 3
