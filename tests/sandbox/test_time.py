"""What ends by itself at the pretend gateways: sessions, orders, tokens, and remembered keys."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox import running
from sandbox.options import Options
from sandbox.running import Running
from tests.sandbox.customers import SECRETS, AtPaypal, AtStripe
from tests.sandbox.listening import Listener
from tests.sandbox.moving import Hands


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def sandbox(listener: Listener, hands: Hands) -> Iterator[Running]:
    options = Options(listener.url, stripe_secrets=SECRETS, seed=7, settle_seconds=0.02)
    with running.beside(options, hands.now) as sandbox:
        yield sandbox


def test_a_session_ends_when_its_time_is_over(
    at_stripe: AtStripe, hands: Hands, listener: Listener
) -> None:
    session = at_stripe.session()
    hands.move(hours=23)
    before = at_stripe.api.checkout.sessions.retrieve(session.id).status
    hands.move(hours=1)
    at_stripe.press(session, "pay")
    after = at_stripe.api.checkout.sessions.retrieve(session.id)
    at_stripe.sandbox.settle()

    assert before == "open"
    assert (after.status, after.payment_status, after.url) == ("expired", "unpaid", None)
    assert listener.kinds() == ["checkout.session.expired"]


def test_stripe_remembers_a_key_for_a_day(at_stripe: AtStripe, hands: Hands) -> None:
    first = at_stripe.session(key="k")
    hands.move(hours=23)
    again = at_stripe.session(key="k")
    hands.move(hours=2)
    anew = at_stripe.session(key="k")

    assert first.id == again.id != anew.id


def test_an_order_that_nobody_approves_is_gone_after_hours(
    at_paypal: AtPaypal, hands: Hands, browser: httpx.Client
) -> None:
    order = at_paypal.order()
    hands.move(hours=2.9)
    before = at_paypal.get(f"/v2/checkout/orders/{order}").status_code
    hands.move(hours=0.2)

    page = browser.get(f"{at_paypal.sandbox.url}/paypal/checkoutnow", params={"token": order})
    assert before == 200
    assert at_paypal.get(f"/v2/checkout/orders/{order}").status_code == 404
    assert at_paypal.capture(order).status_code == 404
    assert at_paypal.press(order, "pay").status_code == page.status_code == 404


def test_a_captured_order_stays(at_paypal: AtPaypal, hands: Hands) -> None:
    order = at_paypal.order()
    at_paypal.press(order, "pay")
    at_paypal.capture(order)
    hands.move(hours=8)

    assert at_paypal.get(f"/v2/checkout/orders/{order}").json()["status"] == "COMPLETED"


def test_a_token_lasts_as_long_as_it_says(at_paypal: AtPaypal, hands: Hands) -> None:
    hands.move(seconds=32_300)
    before = at_paypal.get("/v2/checkout/orders/X").status_code
    hands.move(seconds=200)

    assert (before, at_paypal.get("/v2/checkout/orders/X").status_code) == (404, 401)


def test_paypal_remembers_orders_for_hours_and_refunds_for_weeks(
    at_paypal: AtPaypal, hands: Hands
) -> None:
    capture = at_paypal.captured()["id"]
    euro = {"currency_code": "EUR", "value": "1.00"}
    first = at_paypal.order("k", reference="INV-2")
    refund = at_paypal.refund(capture, "r", amount=euro)
    hands.move(hours=7)
    second = at_paypal.order("k", reference="INV-2")
    hands.move(days=40)
    at_paypal.token = at_paypal.new_token().json()["access_token"]
    again = at_paypal.refund(capture, "r", amount=euro)
    hands.move(days=5)
    at_paypal.token = at_paypal.new_token().json()["access_token"]
    anew = at_paypal.refund(capture, "r", amount=euro)

    assert first != second
    assert (refund.status_code, again.status_code, anew.status_code) == (201, 200, 201)
    assert refund.json()["id"] == again.json()["id"] != anew.json()["id"]
