"""What pretend Stripe lists: enough to find everything since a day, page by page."""

from typing import Any

import pytest
import stripe

from tests.sandbox.customers import AtStripe
from tests.sandbox.listening import Listener


def test_pages_show_everything_once_newest_first(at_stripe: AtStripe) -> None:
    made = [at_stripe.paid(reference=f"INV-{n}").id for n in range(7)]
    since = at_stripe.sandbox.ask(lambda world: world.stripe.second()) - 60
    pages: list[list[str]] = []
    after: dict[str, Any] = {}
    while True:
        page = at_stripe.api.payment_intents.list({"created": {"gte": since}, "limit": 3, **after})
        pages.append([each.id for each in page.data])
        if not page.has_more:
            break
        after = {"starting_after": page.data[-1].id}

    assert [len(page) for page in pages] == [3, 3, 1]
    assert [id_ for page in pages for id_ in page] == made[::-1]
    assert not at_stripe.api.payment_intents.list({"created": {"gte": since + 3600}}).data
    newer = at_stripe.api.payment_intents.list({"ending_before": made[2], "limit": 2})
    assert [each.id for each in newer.data] == [made[4], made[3]]


def test_refunds_and_charges_are_listed_by_payment_and_by_day(at_stripe: AtStripe) -> None:
    first, second = at_stripe.paid(), at_stripe.paid()
    refund = at_stripe.api.refunds.create({"payment_intent": first.id, "amount": 100})
    api = at_stripe.api

    assert [each.id for each in api.refunds.list({"payment_intent": first.id}).data] == [refund.id]
    assert [each.id for each in api.refunds.list({"charge": refund.charge}).data] == [refund.id]
    assert not api.refunds.list({"payment_intent": second.id}).data
    assert [each.id for each in api.refunds.list({"created": {"gte": 1}}).data] == [refund.id]
    charges = api.charges.list({"created": {"gte": 1}}).data
    assert [each.payment_intent for each in charges] == [second.id, first.id]
    shown = api.refunds.list({"expand": ["data.balance_transaction"]}).data[0]
    assert shown.balance_transaction.amount == -100
    assert api.balance_transactions.retrieve(shown.balance_transaction.id).net == -100
    assert api.charges.retrieve(refund.charge, {"expand": ["payment_intent"]}).payment_intent.id


def test_events_that_nobody_took_are_listed(at_stripe: AtStripe, listener: Listener) -> None:
    at_stripe.sandbox.turn("stripe", drop=1.0)
    at_stripe.paid()
    at_stripe.sandbox.turn("stripe", drop=0.0)
    at_stripe.paid()

    lost = at_stripe.api.events.list({"delivery_success": False, "limit": 100}).data
    kinds = ["charge.succeeded", "charge.updated"]
    some = at_stripe.api.events.list({"delivery_success": False, "types": kinds}).data

    assert len(lost) == len(listener.taken) == 4
    assert not {each.id for each in lost} & {each.json["id"] for each in listener.taken}
    assert [each.type for each in some] == ["charge.updated", "charge.succeeded"]
    assert at_stripe.api.events.retrieve(lost[0].id) == lost[0]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"created": {"after": 1}},
        {"starting_after": "pi_none"},
        {"customer": "cus_1"},
        {"expand": ["data.metadata.invoice_id"]},
    ],
)
def test_a_list_cannot_be_asked_for_otherwise(at_stripe: AtStripe, params: Any) -> None:
    at_stripe.paid()

    with pytest.raises(stripe.InvalidRequestError):
        at_stripe.api.payment_intents.list(params)


def test_an_unknown_object_is_missing(at_stripe: AtStripe) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        at_stripe.api.payment_intents.retrieve("pi_none")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
