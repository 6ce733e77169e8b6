"""Asking back on real processes: a worker dies while the gateway answers, and nothing is lost."""

from collections.abc import Iterator

import pytest

from tests import stripe_events, stripe_server
from tests.desk import Desk
from tests.stories.plant import Plant
from tests.stripe_server import Account, a_refund, an_intent

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("stories")]


@pytest.fixture
def account() -> Iterator[Account]:
    with stripe_server.serving() as account:
        yield account


def the_refund() -> bytes:
    refund = a_refund("1", 2100, balance_transaction=None, livemode=False)
    return stripe_events.event("evt_refund", "refund.created", refund)


def test_a_worker_killed_while_it_asks_is_followed_by_one_that_asks_again(
    plant: Plant, desk: Desk, account: Account
):
    invoice = desk.invoice(desk.open())
    account.payments["pi_1"] = an_intent("1", 12100, str(invoice.number))
    account.refunds.append(a_refund("1", 2100))
    key = {"STRIPE_API_KEY": "sk_test_x", "STRIPE_API_BASE": account.url}
    plant.start_web()
    plant.start_worker("money", "money,sweep", **key)
    plant.start_worker("asking", **key)
    plant.start_beat()
    plant.wait_for(plant.is_web_ready, "the web")
    account.troubles.append("hold")

    assert plant.post(the_refund()) == 200
    plant.wait_until_settled(desk)
    desk.query("UPDATE outbox SET due_at = now() RETURNING id")
    plant.wait_for(lambda: bool(account.asked), "asking")
    assert desk.query("SELECT state FROM outbox") == [("claimed",)]
    plant.kill("asking")
    desk.query("UPDATE outbox SET lease_until = now() RETURNING id")
    plant.start_worker("next", **key)
    plant.wait_for(lambda: desk.query("SELECT state FROM outbox") == [("done",)], "the answer")

    assert account.asked.count("/v1/payment_intents/pi_1") == 2
    assert desk.query("SELECT state, attempts, fence FROM outbox") == [("done", 2, 2)]
    assert desk.query("SELECT source, state FROM inbox ORDER BY id") == [
        ("webhook", "done"),
        ("lookup", "done"),
    ]
    assert desk.standing(invoice.id).paid_minor == 10000
    assert ("fee", "outside:fees", "outside:stripe:own/test", 450) in desk.postings()
    assert desk.differences() == []
