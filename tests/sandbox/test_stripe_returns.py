"""Refunds and disputes at pretend Stripe, with their money and their events."""

from decimal import Decimal

import pytest
import stripe

from tests.sandbox.customers import AtStripe
from tests.sandbox.listening import Listener


def test_a_refund_in_parts_ends_with_the_whole(at_stripe: AtStripe, listener: Listener) -> None:
    intent = at_stripe.paid()
    first = at_stripe.api.refunds.create({"payment_intent": intent.id, "amount": 2_000})
    part = at_stripe.intent(intent.id).latest_charge
    rest = at_stripe.api.refunds.create({"charge": part.id, "metadata": {"why": "late"}})
    at_stripe.sandbox.settle()
    whole = at_stripe.intent(intent.id).latest_charge

    assert (first.amount, rest.amount) == (2_000, 10_050)
    assert (part.amount_refunded, part.refunded) == (2_000, False)
    assert (whole.amount_refunded, whole.refunded) == (12_050, True)
    assert listener.kinds().count("refund.created") == 2
    refunded = [each.json["data"] for each in listener.taken if each.kind == "charge.refunded"]
    assert sorted(each["object"]["amount_refunded"] for each in refunded) == [2_000, 12_050]
    assert "refunds" not in refunded[0]["object"]
    assert at_stripe.sandbox.ask(lambda world: world.stripe.ledger.kept(intent.id)) == 0


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"amount": 12_051}, None),
        ({"amount": 0}, "parameter_invalid"),
        ({"reason": "x"}, "parameter_invalid"),
    ],
)
def test_a_refund_that_cannot_be_moves_nothing(
    at_stripe: AtStripe, params: dict[str, object], code: str | None
) -> None:
    intent = at_stripe.paid()
    before = at_stripe.sandbox.rows("stripe")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        at_stripe.api.refunds.create({"payment_intent": intent.id, **params})

    assert refused.value.code == code
    assert at_stripe.sandbox.rows("stripe") == before


def test_what_was_refunded_is_not_refunded_again(at_stripe: AtStripe) -> None:
    intent = at_stripe.paid()
    at_stripe.api.refunds.create({"payment_intent": intent.id})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        at_stripe.api.refunds.create({"payment_intent": intent.id})

    assert refused.value.code == "charge_already_refunded"


def test_a_refund_key_refunds_once(at_stripe: AtStripe) -> None:
    intent = at_stripe.paid()
    options = {"idempotency_key": "refund:1"}
    params = {"payment_intent": intent.id, "amount": 500}
    ids = {at_stripe.api.refunds.create(params, options).id for _ in range(3)}

    assert len(ids) == 1
    assert at_stripe.intent(intent.id).latest_charge.amount_refunded == 500


def test_a_failed_refund_gives_the_seller_the_money_again(
    at_stripe: AtStripe, listener: Listener
) -> None:
    intent = at_stripe.paid()
    refund = at_stripe.api.refunds.create({"payment_intent": intent.id, "amount": 2_000})
    for _ in range(2):
        at_stripe.panel(refund.id, "fail")
    at_stripe.sandbox.settle()

    failed = listener.one("refund.failed")["data"]["object"]
    assert failed["status"] == "failed"
    assert failed["failure_balance_transaction"]
    assert at_stripe.intent(intent.id).latest_charge.amount_refunded == 0
    kept = at_stripe.sandbox.ask(lambda world: world.stripe.ledger.kept(intent.id))
    assert kept == Decimal("120.50")


@pytest.mark.parametrize(
    ("button", "status", "kept", "told"),
    [
        ("win", "won", "120.50", ["funds_withdrawn", "funds_reinstated", "closed"]),
        ("lose", "lost", "90.50", ["funds_withdrawn", "closed"]),
    ],
)
def test_a_dispute_moves_money_when_funds_move(
    at_stripe: AtStripe,
    listener: Listener,
    button: str,
    status: str,
    kept: str,
    told: list[str],
) -> None:
    intent = at_stripe.paid()
    at_stripe.panel(intent.latest_charge.id, "dispute", "30.00")
    (dispute,) = at_stripe.api.disputes.list({"payment_intent": intent.id}).data
    opened = at_stripe.sandbox.ask(lambda world: world.stripe.ledger.kept(intent.id))
    for each in ("withdraw", "withdraw", button, button):
        at_stripe.panel(dispute.id, each)
    at_stripe.sandbox.settle()

    kinds = [kind for kind in listener.kinds() if kind.startswith("charge.dispute.")]
    ended = at_stripe.api.disputes.retrieve(dispute.id)
    assert (dispute.amount, dispute.balance_transactions) == (3_000, [])
    assert opened == Decimal("120.50")
    assert sorted(kinds) == sorted(f"charge.dispute.{each}" for each in ["created", *told])
    assert ended.status == status
    assert [each.amount for each in ended.balance_transactions] == [-3_000, 3_000][: len(told) - 1]
    assert at_stripe.sandbox.ask(lambda world: world.stripe.ledger.kept(intent.id)) == Decimal(kept)


def test_the_panel_shows_each_payment_with_what_may_be_done(at_stripe: AtStripe) -> None:
    intent = at_stripe.paid()
    charge = intent.latest_charge.id
    refused = at_stripe.panel(charge, "refund", "120.51")
    wrong = at_stripe.panel(charge, "refund", "much")
    at_stripe.panel(charge, "refund", "20.50")
    at_stripe.panel(charge, "dispute", "")
    page = at_stripe.browser.get(at_stripe.sandbox.url).text

    assert (refused.status_code, wrong.status_code) == (400, 400)
    assert at_stripe.intent(intent.id).latest_charge.amount_refunded == 2_050
    for name in ("refund", "dispute", "withdraw", "win", "lose", "fail"):
        assert f'data-test="{name}"' in page
    assert 'value="100.00"' in page
