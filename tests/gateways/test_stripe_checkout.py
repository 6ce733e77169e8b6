"""Stripe's hosted page: what is asked on the wire, once, and what its answers are to us."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.errors import Refused, TryLater
from domain.facts import Report
from domain.money import Money
from gateways.port import Order
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from tests import stripe_server
from tests.gateways.deliveries import SECRET, stripe_object
from tests.stripe_server import Account

EXPIRES_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

ORDER = Order(
    order_id="INV-0001-1",
    references=("INV-0001",),
    description="Factura INV-0001",
    money=Money("RON", 12050),
    language="ro",
    seller_name="Furnizor SRL",
    return_url="https://pay.example/pay/t/return",
    cancel_url="https://pay.example/pay/t",
    expires_at=EXPIRES_AT,
    key="link:INV-0001-1",
    email="ana@example.ro",
)


@pytest.fixture
def account() -> Iterator[Account]:
    with stripe_server.serving() as account:
        yield account


@pytest.fixture
def stripe(account: Account) -> Stripe:
    api = StripeApi("sk_test_x", account.url)
    return Stripe("own", (SECRET,), is_live=False, api=api)


def test_an_order_is_asked_for_in_stripes_words(account: Account, stripe: Stripe):
    session = stripe.hosted_link(ORDER)

    assert session.id == "cs_test_1"
    assert session.url == f"{account.url}/c/pay/cs_test_1"
    assert session.expires_at == EXPIRES_AT
    (asked,) = account.orders
    assert asked.form == {
        "mode": "payment",
        "client_reference_id": "INV-0001-1",
        "metadata[invoice_id]": "INV-0001",
        "metadata[order_id]": "INV-0001-1",
        "payment_intent_data[metadata][invoice_id]": "INV-0001",
        "payment_intent_data[metadata][order_id]": "INV-0001-1",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "ron",
        "line_items[0][price_data][unit_amount]": "12050",
        "line_items[0][price_data][product_data][name]": "Factura INV-0001",
        "locale": "ro",
        "success_url": "https://pay.example/pay/t/return",
        "cancel_url": "https://pay.example/pay/t",
        "expires_at": str(int(EXPIRES_AT.timestamp())),
        "customer_email": "ana@example.ro",
    }
    assert asked.key == "link:INV-0001-1"
    assert asked.authorization == "Bearer sk_test_x"
    assert asked.content_type == "application/x-www-form-urlencoded"


def test_an_order_over_several_invoices_is_known_by_its_own_name(account: Account, stripe: Stripe):
    stripe.hosted_link(replace(ORDER, references=("INV-0001", "INV-0002"), email=None))

    form = account.orders[0].form
    assert form["metadata[invoice_id]"] == "INV-0001-1"
    assert form["payment_intent_data[metadata][invoice_id]"] == "INV-0001-1"
    assert "customer_email" not in form


def test_the_same_order_again_is_the_same_session(account: Account, stripe: Stripe):
    sessions = {stripe.hosted_link(ORDER) for _ in range(3)}

    assert len(sessions) == 1
    assert len(account.orders) == 3
    assert len(account.sessions) == 1


def test_another_order_under_a_known_key_is_refused(account: Account, stripe: Stripe):
    stripe.hosted_link(ORDER)

    with pytest.raises(Refused) as refusal:
        stripe.hosted_link(replace(ORDER, expires_at=EXPIRES_AT.replace(hour=13)))

    assert refusal.value.code == "order_differs"
    assert len(account.sessions) == 1


@pytest.mark.parametrize("trouble", ["silence", 500, 503, 429, 409])
def test_a_lost_answer_is_asked_for_again_by_the_caller_alone(
    account: Account, stripe: Stripe, trouble: int | str
):
    account.troubles.append(trouble)

    with pytest.raises(TryLater):
        stripe.hosted_link(ORDER)
    tries = len(account.orders)
    session = stripe.hosted_link(ORDER)

    assert tries == 1
    assert session.id in account.sessions
    assert len(account.sessions) == 1


@pytest.mark.parametrize(("status", "code"), [(400, "order_refused"), (401, "key_refused")])
def test_a_refused_order_says_what_to_mend(
    account: Account, stripe: Stripe, status: int, code: str
):
    account.troubles.append(status)

    with pytest.raises(Refused) as refusal:
        stripe.hosted_link(ORDER)

    assert refusal.value.code == code


def test_an_open_session_is_closed_and_a_closed_one_is_fine(account: Account, stripe: Stripe):
    session = stripe.hosted_link(ORDER)

    stripe.expire(session.id)
    stripe.expire(session.id)
    account.sessions["cs_test_paid"] = account.sessions[session.id] | {"status": "complete"}
    stripe.expire("cs_test_paid")

    assert account.sessions[session.id]["status"] == "expired"
    assert account.sessions["cs_test_paid"]["status"] == "complete"


def test_a_session_that_would_not_close_is_no_success(account: Account, stripe: Stripe):
    session = stripe.hosted_link(ORDER)
    account.sessions[session.id]["is_stuck"] = True

    with pytest.raises(Refused, match="unknown_session"):
        stripe.expire(session.id)


@pytest.mark.parametrize("session", ["cs_test_9", "../refunds", "", "pi_1"])
def test_a_session_nobody_knows_cannot_be_closed(stripe: Stripe, session: str):
    with pytest.raises(Refused):
        stripe.expire(session)


@pytest.mark.parametrize(
    ("money", "unit_amount"),
    [
        (Money("JPY", 500), "500"),
        (Money("ISK", 500), "50000"),
        (Money("MGA", 500), "5"),
        (Money("KWD", 1500), "1500"),
    ],
)
def test_amounts_are_told_in_stripes_units(
    account: Account, stripe: Stripe, money: Money, unit_amount: str
):
    stripe.hosted_link(replace(ORDER, money=money))

    assert account.orders[0].form["line_items[0][price_data][unit_amount]"] == unit_amount


def test_an_amount_stripe_cannot_tell_opens_nothing(account: Account, stripe: Stripe):
    with pytest.raises(Refused, match="malformed_amount"):
        stripe.hosted_link(replace(ORDER, money=Money("MGA", 501)))

    assert account.orders == []


def test_stripe_serves_what_it_charges_once_it_has_a_key(stripe: Stripe):
    keyless = Stripe("own", (SECRET,), is_live=False)

    assert stripe.serves("RON")
    assert stripe.serves("EUR")
    assert not stripe.serves("CUP")
    assert not keyless.serves("RON")
    with pytest.raises(Refused, match="STRIPE_API_KEY"):
        keyless.hosted_link(ORDER)
    with pytest.raises(Refused, match="STRIPE_API_KEY"):
        keyless.expire("cs_test_1")


def test_what_an_order_carries_comes_back_as_its_names(stripe: Stripe):
    metadata = {"invoice_id": "INV-0001", "order_id": "INV-0001-1"}

    reading = stripe.read(stripe_object("intent_succeeded", metadata=metadata))

    assert isinstance(reading, tuple)
    (report,) = reading
    assert isinstance(report, Report)
    assert report.fact.meant_for == ("INV-0001", "INV-0001-1")
