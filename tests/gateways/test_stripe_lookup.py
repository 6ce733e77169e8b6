"""Asking Stripe: the whole truth of a payment, byte for byte, or why there is none."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.attention import AttentionKind
from domain.errors import Refused, TryLater
from domain.facts import FactClass, Ignored, Move, Report, Status, Trust
from domain.money import Money
from gateways import stripe_api
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from tests import stripe_server
from tests.gateways.deliveries import SECRET, SIGNED_AT, delivery, stripe_body, stripe_header
from tests.stripe_server import (
    CREATED,
    Account,
    a_charge,
    a_dispute,
    a_refund,
    a_transaction,
    an_intent,
)


@pytest.fixture
def account() -> Iterator[Account]:
    with stripe_server.serving() as account:
        yield account


def stripe_at(account: Account) -> Stripe:
    api = StripeApi("sk_test_x", account.url)
    return Stripe("own", (SECRET,), is_live=False, api=api)


def asked(account: Account, reference: str) -> list[Report]:
    stripe = stripe_at(account)
    reading = stripe.read(stripe.lookup(reference))
    assert isinstance(reading, tuple)
    return [report for report in reading if isinstance(report, Report)]


def test_an_answer_tells_what_came_went_back_and_was_kept(account: Account):
    account.payments["pi_1"] = an_intent("1", 12100, "INV-0001")
    account.refunds.append(a_refund("1", 2000))
    account.disputes.append(a_dispute("1", 10100))

    came, fee, refund, dispute, dispute_fee = asked(account, "pi_1")

    assert (came.fact.status, came.fact.money) == (Status.SUCCEEDED, Money("RON", 12100))
    assert came.fact.meant_for == ("INV-0001",)
    assert came.fact.happened_at.timestamp() == CREATED
    assert (fee.fact.key.move, fee.fact.key.item) == (Move.FEE, "txn_1")
    assert (fee.fact.money, fee.fact.fact_class) == (Money("RON", 450), FactClass.FEE)
    assert (refund.fact.key.move, refund.fact.key.item) == (Move.OUT, "re_1")
    assert refund.fact.money == Money("RON", 2000)
    assert (dispute.fact.key.item, dispute.fact.fact_class) == (
        "du_1/txn_du_1",
        FactClass.CHARGEBACK,
    )
    assert dispute_fee.fact.money == Money("RON", 7500)
    for report in (came, fee, refund, dispute, dispute_fee):
        assert report.names == ("pi_1", "ch_1")
        assert report.fact.key.reference == "pi_1"
        assert report.fact.trust is Trust.LOOKUP
        assert not report.is_alias


@pytest.mark.parametrize("name", ["ch_1", "py_1"])
def test_a_charge_leads_to_its_intent(account: Account, name: str):
    intent = an_intent("1", 12100, "INV-0001", latest_charge=name)
    account.payments[name] = a_charge("1", 12100, id=name, payment_intent=intent)

    came, fee = asked(account, name)

    assert came.names == ("pi_1", name)
    assert came.fact.meant_for == ("INV-0001",)
    assert fee.fact.key.reference == "pi_1"


def test_a_charge_without_an_intent_is_a_payment_of_its_own(account: Account):
    account.payments["ch_1"] = a_charge("1", 500, payment_intent=None)
    account.refunds.append(a_refund("1", 200, payment_intent=None))

    came, _, refund = asked(account, "ch_1")

    assert came.names == ("ch_1",)
    assert not came.is_alias
    assert refund.is_alias  # of itself it does not know whether the charge has an intent


STATUSES = {
    "requires_payment_method": Status.PENDING,
    "requires_confirmation": Status.PENDING,
    "requires_action": Status.PENDING,
    "processing": Status.PENDING,
    "requires_capture": Status.PENDING,
    "canceled": Status.FAILED,
    "succeeded": Status.SUCCEEDED,
}


@pytest.mark.parametrize(("status", "told"), STATUSES.items())
def test_an_intent_tells_how_far_its_money_has_come(account: Account, status: str, told: Status):
    account.payments["pi_1"] = an_intent("1", 100, status=status, latest_charge=None)

    (came,) = asked(account, "pi_1")

    assert came.fact.status is told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": "pending"}, Status.PENDING),
        ({"status": "failed"}, Status.FAILED),
        ({"captured": False}, Status.PENDING),
        ({}, Status.SUCCEEDED),
    ],
)
def test_a_charge_alone_tells_how_far_its_money_has_come(
    account: Account, changes: dict[str, Any], told: Status
):
    charge = a_charge("1", 100, payment_intent=None, balance_transaction=None)
    account.payments["ch_1"] = charge | changes

    (came,) = asked(account, "ch_1")

    assert came.fact.status is told


def test_a_declined_card_is_a_failed_try(account: Account):
    account.payments["pi_1"] = an_intent(
        "1",
        100,
        status="requires_payment_method",
        latest_charge=None,
        last_payment_error={"code": "card_declined"},
    )

    (came,) = asked(account, "pi_1")

    assert came.fact.status is Status.FAILED


def test_a_fee_is_in_the_currency_of_the_balance_and_may_come_back(account: Account):
    charge = a_charge(
        "1", 100, balance_transaction=a_transaction("txn_1", 20, fee=3, currency="eur")
    )
    account.payments["pi_1"] = an_intent("1", 100, latest_charge=charge)
    entries = [a_transaction("txn_o", -100, fee=75), a_transaction("txn_b", 100, fee=-75)]
    account.disputes.append(a_dispute("1", 100, balance_transactions=entries))

    reports = asked(account, "pi_1")

    fees = [(r.fact.key.move, r.fact.key.item, r.fact.money) for r in reports]
    assert (Move.FEE, "txn_1", Money("EUR", 3)) in fees
    assert (Move.FEE, "txn_o", Money("RON", 75)) in fees
    assert (Move.REBATE, "txn_b", Money("RON", 75)) in fees
    assert (Move.OUT, "du_1/txn_o", Money("RON", 100)) in fees
    assert (Move.BACK, "du_1/txn_b", Money("RON", 100)) in fees


def test_every_page_of_refunds_is_asked_for(account: Account):
    account.payments["pi_1"] = an_intent("1", 100_000, latest_charge=None)
    account.refunds += [
        a_refund("1", 100, id=f"re_{n}", balance_transaction=None) for n in range(150)
    ]

    _, *refunds = asked(account, "pi_1")

    assert len({refund.fact.key.item for refund in refunds}) == 150


def test_an_answer_that_would_not_fit_is_refused(account: Account, monkeypatch: pytest.MonkeyPatch):
    account.payments["pi_1"] = an_intent("1", 100)
    monkeypatch.setattr(stripe_api, "_LONGEST_BYTES", 500)

    with pytest.raises(Refused, match="answer_too_long"):
        asked(account, "pi_1")


def test_the_same_truth_has_the_same_bytes_and_they_are_stripes_own(account: Account):
    account.payments["pi_1"] = an_intent("1", 100, "INV-Ș")
    stripe = stripe_at(account)

    first, second = stripe.lookup("pi_1"), stripe.lookup("pi_1")

    assert first == second
    assert json.dumps(account.payments["pi_1"], indent=2).encode() in first


TROUBLES = [(429, TryLater), (500, TryLater), (503, TryLater), ("silence", TryLater)]
REFUSALS = [(401, "key_refused"), (403, "key_refused"), (400, "unknown_payment")]


@pytest.mark.parametrize(("trouble", "error"), TROUBLES)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_gateway_in_trouble_is_asked_later(
    account: Account, trouble: int | str, error: type[Exception], after: int
):
    account.payments["pi_1"] = an_intent("1", 100)
    account.troubles += [*[None] * after, trouble]

    with pytest.raises(error):
        stripe_at(account).lookup("pi_1")

    assert len(account.asked) == after + 1  # the client does not repeat by itself


@pytest.mark.parametrize(("status", "code"), REFUSALS)
def test_what_asking_again_does_not_help_is_refused(account: Account, status: int, code: str):
    account.troubles.append(status)

    with pytest.raises(Refused, match=code) as refused:
        stripe_at(account).lookup("pi_1")

    assert "sk_test_x" not in str(refused.value)


def test_a_payment_that_stripe_does_not_have_is_refused(account: Account):
    with pytest.raises(Refused, match="Stripe does not know pi_9"):
        stripe_at(account).lookup("pi_9")


def test_a_stripe_that_is_not_there_is_asked_later():
    stripe = Stripe(
        "own", (SECRET,), is_live=False, api=StripeApi("sk_test_x", "http://127.0.0.1:9")
    )

    with pytest.raises(TryLater):
        stripe.lookup("pi_1")


@pytest.mark.parametrize(
    "name", ["re_1", "cs_test_1", "txn_1", "../pi_1", "pi_1/../x", "pi_1?x", ""]
)
def test_only_payments_can_be_asked_about(account: Account, name: str):
    with pytest.raises(Refused, match="unsupported"):
        stripe_at(account).lookup(name)

    assert account.asked == []


def test_without_a_key_asking_is_refused_with_its_fix():
    with pytest.raises(Refused, match="STRIPE_API_KEY is not set"):
        Stripe("own", (SECRET,), is_live=False).lookup("pi_1")


def test_an_answer_of_the_other_mode_is_ignored_and_shown(account: Account):
    account.payments["pi_1"] = an_intent("1", 100, livemode=True)
    stripe = stripe_at(account)

    reading = stripe.read(stripe.lookup("pi_1"))

    assert isinstance(reading, Ignored)
    assert reading.attention is AttentionKind.OTHER_MODE


SENSELESS: list[dict[str, object]] = [
    {},
    {"payment": None},
    {"payment": {"object": "refund", "livemode": False}},
    {"payment": an_intent("1", 100, status="vanished")},
    {"payment": a_charge("1", 100, payment_intent=None, status="vanished")},
    {"payment": an_intent("1", 100, amount_received=-1)},
    {"payment": an_intent("1", 100), "refunds": [{"data": [{"id": "re_1"}]}]},
]


@pytest.mark.parametrize("answer", SENSELESS)
def test_an_answer_without_sense_is_refused(answer: dict[str, object]):
    raw = json.dumps({"object": "lookup", **answer}).encode()

    with pytest.raises(Refused):
        Stripe("own", (SECRET,), is_live=False).read(raw)


def test_no_delivery_can_pass_for_an_answer():
    """An answer is trusted more than a delivery; whatever came by the door has a type."""
    body = stripe_body("intent_succeeded", object="lookup", payment=an_intent("1", 100))
    stripe = Stripe("own", (SECRET,), is_live=False)

    now = datetime.fromtimestamp(SIGNED_AT, UTC)
    envelope = stripe.authenticate(delivery(body, stripe_header(body)), {}, now)

    assert envelope.kind == "payment_intent.succeeded"
    assert isinstance(stripe.read(body), Ignored)


def test_who_does_not_ask_never_loads_stripes_library():
    program = (
        "import sys; from gateways.stripe import Stripe; from gateways.stripe_api import StripeApi;"
        "Stripe('own', ('whsec',), is_live=False, api=StripeApi('sk_test_x', None));"
        "sys.exit('stripe' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
