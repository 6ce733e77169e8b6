"""Checkout Sessions at pretend Stripe, asked for with Stripe's own client."""

import re
import threading
import time

import pytest
import stripe

from sandbox import clock
from tests.sandbox.customers import AtStripe
from tests.sandbox.listening import Listener


def test_a_paid_session_tells_of_one_payment_in_sister_events(
    at_stripe: AtStripe, listener: Listener
) -> None:
    session = at_stripe.session()
    answer = at_stripe.press(session, "pay")
    at_stripe.sandbox.settle()

    assert answer.headers["location"] == f"https://seller.test/ok?session_id={session.id}"
    assert sorted(listener.kinds()) == [
        "charge.succeeded",
        "charge.updated",
        "checkout.session.completed",
        "payment_intent.succeeded",
    ]
    told = listener.one("checkout.session.completed")["data"]["object"]
    intent = listener.one("payment_intent.succeeded")["data"]["object"]
    charge = listener.one("charge.succeeded")["data"]["object"]
    assert told["payment_status"] == "paid"
    assert told["payment_intent"] == intent["id"] == charge["payment_intent"]
    assert intent["latest_charge"] == charge["id"]
    assert told["amount_total"] == intent["amount_received"] == charge["amount_captured"] == 12_050
    assert intent["metadata"] == charge["metadata"] == {"invoice_id": "INV-1"}


def test_the_fee_appears_only_after_the_charge(at_stripe: AtStripe, listener: Listener) -> None:
    intent = at_stripe.paid()

    first = listener.one("charge.succeeded")["data"]["object"]
    later = listener.one("charge.updated")["data"]["object"]
    transaction = intent.latest_charge.balance_transaction
    assert first["balance_transaction"] is None
    assert later["balance_transaction"] == transaction.id
    assert transaction.fee > 0
    assert transaction.net == transaction.amount - transaction.fee


def test_a_decline_leaves_the_session_open_and_another_try_may_succeed(
    at_stripe: AtStripe, listener: Listener
) -> None:
    session = at_stripe.session()
    back = at_stripe.press(session, "decline")
    page = at_stripe.browser.get(session.url).text
    declined = at_stripe.api.checkout.sessions.retrieve(session.id)
    at_stripe.press(session, "pay")
    at_stripe.sandbox.settle()

    assert back.headers["location"] == session.url
    assert 'data-test="declined"' in page
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    failed = listener.one("payment_intent.payment_failed")["data"]["object"]
    succeeded = listener.one("payment_intent.succeeded")["data"]["object"]
    assert failed["id"] == succeeded["id"]
    assert failed["latest_charge"] != succeeded["latest_charge"]


@pytest.mark.parametrize(
    ("button", "told", "status"),
    [
        ("complete-pending", "async_payment_succeeded", "succeeded"),
        ("fail-pending", "async_payment_failed", "requires_payment_method"),
    ],
)
def test_a_pending_payment_ends_either_way(
    at_stripe: AtStripe, listener: Listener, button: str, told: str, status: str
) -> None:
    session = at_stripe.session()
    at_stripe.press(session, "leave-pending")
    at_stripe.sandbox.settle()
    pending = at_stripe.api.checkout.sessions.retrieve(session.id)
    before = at_stripe.intent(pending.payment_intent)
    page = at_stripe.browser.get(f"{at_stripe.sandbox.url}/stripe/pay/{session.id}").text
    at_stripe.press(session, button)
    at_stripe.press(session, button)
    at_stripe.sandbox.settle()

    assert (pending.status, pending.payment_status, pending.url) == ("complete", "unpaid", None)
    assert before.status == "processing"
    assert listener.one("charge.pending")["data"]["object"]["status"] == "pending"
    assert (
        listener.one("checkout.session.completed")["data"]["object"]["payment_status"] == "unpaid"
    )
    assert f'data-test="{button}"' in page
    assert listener.kinds().count(f"checkout.session.{told}") == 1
    assert at_stripe.intent(before.id).status == status


def test_pressing_pay_twice_charges_once(at_stripe: AtStripe, listener: Listener) -> None:
    session = at_stripe.session()
    first, second = at_stripe.press(session, "pay"), at_stripe.press(session, "pay")
    at_stripe.sandbox.settle()

    assert first.headers["location"] == second.headers["location"]
    assert listener.kinds().count("charge.succeeded") == 1
    assert len(at_stripe.sandbox.rows("stripe")) == 2  # the payment and its fee


def test_to_look_at_the_page_changes_nothing(at_stripe: AtStripe, listener: Listener) -> None:
    session = at_stripe.session()
    for _ in range(3):
        assert at_stripe.browser.get(session.url).status_code == 200
    at_stripe.browser.get(f"{session.url}/pay")

    assert at_stripe.api.checkout.sessions.retrieve(session.id).status == "open"
    assert not listener.taken


def test_an_expired_session_takes_no_money(at_stripe: AtStripe, listener: Listener) -> None:
    session = at_stripe.session()
    at_stripe.press(session, "decline")
    expired = at_stripe.api.checkout.sessions.expire(session.id)
    at_stripe.press(session, "pay")
    at_stripe.sandbox.settle()

    assert (expired.status, expired.url) == ("expired", None)
    assert listener.kinds().count("checkout.session.expired") == 1
    assert "payment_intent.canceled" in listener.kinds()
    assert not at_stripe.sandbox.rows("stripe")
    with pytest.raises(stripe.InvalidRequestError, match='status in \\["open"\\]'):
        at_stripe.api.checkout.sessions.expire(session.id)


def test_a_key_answers_the_same_session_again(at_stripe: AtStripe) -> None:
    expires_at = _second() + 3600
    first = at_stripe.session(key="link:1:1", expires_at=expires_at)
    again = at_stripe.session(key="link:1:1", expires_at=expires_at)

    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        at_stripe.session(key="link:1:1", expires_at=expires_at + 1)


def test_a_key_that_is_in_flight_is_refused(at_stripe: AtStripe) -> None:
    at_stripe.sandbox.turn("stripe", next=["slow"], slow_seconds=1.5)
    made: list[str] = []
    slow = threading.Thread(target=lambda: made.append(at_stripe.session(key="k").id))
    slow.start()
    while not at_stripe.sandbox.counted("stripe").get("slow"):
        time.sleep(0.01)
    with pytest.raises(stripe.StripeError) as refused:
        at_stripe.session(key="k")
    slow.join()

    assert refused.value.http_status == 409
    assert at_stripe.session(key="k").id == made[0]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"minor": 199}, "line_items"),
        ({"minor": -5}, "line_items[0]"),
        ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]"),
        ({"metadata": {str(n) + "n": "v" for n in range(51)}}, "metadata"),
        ({"client_reference_id": "r" * 201}, "client_reference_id"),
        ({"mode": "subscription"}, "mode"),
        ({"line_items": []}, "line_items"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_parameter_is_named_and_its_key_stays_free(
    at_stripe: AtStripe, wrong: dict[str, object], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        at_stripe.session(key="k", **wrong)

    assert re.fullmatch(re.escape(param) + r".*", str(refused.value.param))
    assert at_stripe.session(key="k").status == "open"


@pytest.mark.parametrize("seconds", [0, 29 * 60, 25 * 3600])
def test_a_session_lasts_from_half_an_hour_to_a_day(at_stripe: AtStripe, seconds: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        at_stripe.session(expires_at=_second() + seconds)

    assert refused.value.param == "expires_at"
    assert at_stripe.session(expires_at=_second() + 31 * 60).status == "open"
    assert at_stripe.session(expires_at=_second() + 24 * 3600 - 60).status == "open"


def test_another_key_is_not_let_in(at_stripe: AtStripe) -> None:
    other = stripe.StripeClient(
        "sk_test_other",
        base_addresses={"api": f"{at_stripe.sandbox.url}/stripe"},
        max_network_retries=0,
    )

    with pytest.raises(stripe.AuthenticationError):
        other.v1.checkout.sessions.create({"mode": "payment"})


def test_a_call_that_is_not_documented_as_used_is_refused(at_stripe: AtStripe) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="only what is used"):
        at_stripe.api.customers.create({"email": "ana@example.ro"})


def _second() -> int:
    return int(clock.now().timestamp())
