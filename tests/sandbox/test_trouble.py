"""Trouble on demand really happens, as often as it says, and the ledgers stay true to the cent."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest
import stripe

from sandbox import running
from sandbox.knobs import BadKnob
from sandbox.options import Options
from sandbox.running import Running
from tests.sandbox.customers import AtPaypal, AtStripe, order_body
from tests.sandbox.listening import Listener
from tests.waiting import eventually

_PAYMENTS = 40


def test_knobs_lose_double_shuffle_and_delay_and_count_what_they_did(
    at_stripe: AtStripe, listener: Listener
) -> None:
    trouble = {"drop": 0.3, "duplicate": 0.3, "reorder": 1.0, "delay": 0.1}
    at_stripe.sandbox.turn("stripe", **trouble, reorder_seconds=0.3, delay_seconds=0.6, seed=5)
    sessions = [at_stripe.session(reference=f"INV-{n}") for n in range(_PAYMENTS)]
    for session in sessions:
        at_stripe.press(session, "pay")
    at_stripe.sandbox.settle()

    counted = at_stripe.sandbox.counted("stripe")
    times = Counter(each.json["id"] for each in listener.taken)
    made = at_stripe.sandbox.ask(lambda world: set(world.stripe.events))
    print(counted)  # noqa: T201 - how often
    assert counted["events"] == len(made) == 4 * _PAYMENTS
    assert counted["dropped"] == len(made - set(times)) >= 25
    assert counted["duplicated"] == sum(count == 2 for count in times.values()) >= 15
    assert counted["overtaken"] >= 40
    assert counted["delayed"] >= 5
    assert max(times.values()) == 2


def test_paypals_doubles_are_transmissions_of_their_own(
    at_paypal: AtPaypal, listener: Listener
) -> None:
    at_paypal.sandbox.turn("paypal", duplicate=1.0)
    at_paypal.captured()
    at_paypal.sandbox.settle()

    events = Counter(each.json["id"] for each in listener.taken)
    ids = {each.headers["paypal-transmission-id"] for each in listener.taken}
    assert set(events.values()) == {2}
    assert len(ids) == len(listener.taken) == 6


def test_without_trouble_everything_arrives_once(at_stripe: AtStripe, listener: Listener) -> None:
    for n in range(10):
        at_stripe.press(at_stripe.session(reference=f"INV-{n}"), "pay")
    at_stripe.sandbox.settle()

    counted = at_stripe.sandbox.counted("stripe")
    assert counted == {"events": 40, "attempts": 40, "accepted": 40, "calls": 10}
    assert len({each.json["id"] for each in listener.taken}) == 40


def test_a_corrupt_delivery_does_not_verify_and_its_retry_does(
    at_stripe: AtStripe, listener: Listener
) -> None:
    at_stripe.sandbox.turn("stripe", corrupt=0.5, seed=3)
    for n in range(5):
        at_stripe.press(at_stripe.session(reference=f"INV-{n}"), "pay")
    at_stripe.sandbox.settle()

    genuine, spoilt = set(), 0
    for taken in listener.taken:
        try:
            event = stripe.Webhook.construct_event(
                taken.body, taken.headers["stripe-signature"], "whsec_old"
            )
        except stripe.SignatureVerificationError:
            spoilt += 1
        else:
            genuine.add(event.id)
    counted = at_stripe.sandbox.counted("stripe")
    assert counted["corrupted"] == spoilt >= 8
    assert len(genuine) == 20


@pytest.mark.parametrize("status", [500, 503, 404, 302])
def test_what_was_not_taken_is_sent_again(
    at_stripe: AtStripe, listener: Listener, status: int
) -> None:
    listener.statuses = [status] * 6
    at_stripe.paid()

    taken = {each.json["id"] for each in listener.taken if each.status == 200}
    assert len(taken) == 4
    assert at_stripe.sandbox.counted("stripe")["retried"] == 6
    assert at_stripe.sandbox.counted("stripe")["refused"] == 6


def test_what_nobody_ever_takes_is_given_up_and_may_be_sent_again(
    at_paypal: AtPaypal, listener: Listener
) -> None:
    listener.statuses = [500] * 26
    at_paypal.press(at_paypal.order(), "pay")
    at_paypal.sandbox.settle()
    given_up = at_paypal.sandbox.counted("paypal")
    again = at_paypal.sandbox.resend()
    at_paypal.sandbox.settle()

    assert (given_up["attempts"], given_up["given_up"]) == (26, 1)
    assert again == 1
    assert listener.taken[-1].status == 200
    assert at_paypal.sandbox.resend() == 0


def test_a_lost_answer_was_done_and_its_key_tells(at_stripe: AtStripe) -> None:
    at_stripe.sandbox.turn("stripe", next=["error_after"])
    with pytest.raises(stripe.APIError):
        at_stripe.session(key="k")
    session = at_stripe.session(key="k")

    assert session.last_response.headers["Idempotent-Replayed"] == "true"
    made = at_stripe.sandbox.ask(lambda world: list(world.stripe.objects["checkout.session"]))
    assert made == [session.id]
    assert at_stripe.sandbox.counted("stripe")["error_after"] == 1


def test_a_replay_can_be_lost_too(at_stripe: AtStripe) -> None:
    at_stripe.sandbox.turn("stripe", next=["error_after", "error_after"])
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            at_stripe.session(key="k")

    assert at_stripe.session(key="k").status == "open"
    counted = at_stripe.sandbox.counted("stripe")
    assert (counted["error_after"], counted["replayed"]) == (2, 2)
    assert at_stripe.sandbox.ask(lambda world: len(world.stripe.objects["checkout.session"])) == 1


def test_an_error_before_the_work_leaves_nothing(at_stripe: AtStripe) -> None:
    at_stripe.sandbox.turn("stripe", next=["error_before"])
    with pytest.raises(stripe.APIError):
        at_stripe.session(key="k")

    made = at_stripe.sandbox.ask(lambda world: list(world.stripe.objects["checkout.session"]))
    assert not made
    assert at_stripe.session(key="k").status == "open"


def test_an_error_that_is_kept_is_the_keys_answer_for_good(at_stripe: AtStripe) -> None:
    at_stripe.sandbox.turn("stripe", next=["error_kept"])
    for _ in range(3):
        with pytest.raises(stripe.APIError) as failed:
            at_stripe.session(key="k")
        assert failed.value.http_status == 500

    assert at_stripe.session(key="k:2").status == "open"


def test_paypals_lost_answers_were_done_too(at_paypal: AtPaypal) -> None:
    order = at_paypal.order()
    at_paypal.press(order, "pay")
    at_paypal.sandbox.turn("paypal", next=["error_after", "error_before"])
    answers = [at_paypal.capture(order, "capture") for _ in range(3)]

    assert [each.status_code for each in answers] == [500, 500, 200]
    assert len(at_paypal.get(f"/v2/checkout/orders/{order}").json()["purchase_units"]) == 1
    assert [row.move for row in at_paypal.sandbox.rows("paypal")] == ["in", "fee"]


def test_knobs_are_turned_over_http_all_or_none(sandbox: Running, browser: httpx.Client) -> None:
    address = f"{sandbox.url}/control/knobs"
    wrong = browser.post(address, json={"stripe": {"drop": 0.5, "loose": 1}})
    beyond = browser.post(address, json={"paypal": {"drop": 1.5}})
    nobody = browser.post(address, json={"piggy": {}})
    after = browser.get(f"{sandbox.url}/control").json()
    right = browser.post(address, json={"stripe": {"drop": 0.5}})

    assert "there is no knob loose" in wrong.json()["error"]
    assert {wrong.status_code, beyond.status_code, nobody.status_code} == {400}
    assert after["stripe"]["drop"] == after["paypal"]["drop"] == 0
    assert right.json()["stripe"]["drop"] == 0.5
    with pytest.raises(BadKnob):
        sandbox.turn("paypal", next=["explode"])


def test_the_ledgers_hold_each_move_to_the_cent(
    at_stripe: AtStripe, at_paypal: AtPaypal, browser: httpx.Client
) -> None:
    intent = at_stripe.paid()
    at_stripe.api.refunds.create({"payment_intent": intent.id, "amount": 2_000})
    capture = at_paypal.captured()["id"]
    at_paypal.refund(capture, amount={"currency_code": "EUR", "value": "5.00"})
    told = browser.get(f"{at_stripe.sandbox.url}/control/ledger").json()

    assert told["stripe"]["totals"]["RON"] == {"in": "120.50", "fee": "2.81", "out": "20.00"}
    assert told["paypal"]["totals"]["EUR"] == {
        "in": "24.20",
        "fee": "1.17",
        "out": "5.00",
        "rebate": "0.17",
    }
    rows = at_paypal.sandbox.rows("paypal")
    assert {row.reference for row in rows} == {capture}
    assert all(isinstance(row.amount, Decimal) and row.amount > 0 for row in rows)


def test_the_same_seed_gives_the_same_ids(listener: Listener, browser: httpx.Client) -> None:
    ids = []
    for seed in (1, 1, None, None):
        with running.beside(Options(listener.url, seed=seed)) as sandbox:
            ids.append(AtPaypal(sandbox, browser).order())

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_slow_answers_are_slow_and_right(at_paypal: AtPaypal) -> None:
    at_paypal.sandbox.turn("paypal", slow=1.0, slow_seconds=0.05)
    answer = at_paypal.post("/v2/checkout/orders", "k", json=order_body())

    assert answer.status_code == 201
    assert answer.elapsed.total_seconds() >= 0.05
    assert at_paypal.sandbox.counted("paypal")["slow"] == 1


@pytest.mark.parametrize(("where", "done"), [("hold_before", 0), ("hold_after", 1)])
def test_a_call_that_is_held_stands_before_or_after_the_act_until_it_may_go_on(
    at_paypal: AtPaypal, at_stripe: AtStripe, where: str, done: int
) -> None:
    sandbox = at_paypal.sandbox
    for gateway in ("paypal", "stripe"):
        sandbox.turn(gateway, **{where: "INV-7"})
    with ThreadPoolExecutor(2) as pool:
        held = [
            pool.submit(at_paypal.order, "k", reference="INV-7"),
            pool.submit(at_stripe.session, "k", reference="INV-7"),
        ]
        eventually(lambda: all(sandbox.counted(name).get(where) for name in ("paypal", "stripe")))
        others = at_paypal.order(reference="INV-8"), at_stripe.session(reference="INV-8")
        made = _made(sandbox), [each.done() for each in held]
        for gateway in ("paypal", "stripe"):
            sandbox.turn(gateway, **{where: ""})
        ids = [held[0].result(30), held[1].result(30).id]

    assert all(others)
    assert made == ((1 + done, 1 + done), [False, False])
    assert _made(sandbox) == (2, 2)
    assert ids == [
        at_paypal.order("k", reference="INV-7"),
        at_stripe.session("k", reference="INV-7").id,
    ]


def test_a_token_is_held_too_and_no_call_longer_than_it_is_said(at_paypal: AtPaypal) -> None:
    at_paypal.sandbox.turn("paypal", hold_before="/oauth2/token", hold_seconds=0.2)
    answer = at_paypal.new_token()

    assert answer.elapsed.total_seconds() >= 0.2
    assert at_paypal.sandbox.counted("paypal")["hold_before"] == 1
    with pytest.raises(BadKnob, match="a text"):
        at_paypal.sandbox.turn("paypal", hold_after=1)


def _made(sandbox: Running) -> tuple[int, int]:
    return sandbox.ask(
        lambda world: (len(world.paypal.orders), len(world.stripe.objects["checkout.session"]))
    )
