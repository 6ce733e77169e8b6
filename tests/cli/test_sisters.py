"""The pretended events are what Stripe would send: Stripe's library and our reader agree."""

import json
from itertools import count

import pytest
import stripe

from cli.simulation import play, sisters
from cli.simulation.sisters import Paid, Sisters
from domain.errors import Refused
from domain.facts import Status
from domain.money import Money
from gateways.stripe import Stripe
from runtime import clock

SECRET = "whsec_test_secret"
GATEWAY = Stripe("own", (SECRET,), is_live=False)
SECOND = 1_795_213_171


def told(currency: str = "RON", amount_minor: int = 12_050) -> Sisters:
    names = (f"{each:024}" for each in count(1))
    return sisters.of(Paid("INV-0001", currency, amount_minor, SECOND), lambda: next(names))


def test_stripes_own_library_accepts_them():
    now = int(clock.now().timestamp())

    for event in told().events:
        header = stripe.WebhookSignature.generate_signature_header(event.body, SECRET, now)
        read = stripe.Webhook.construct_event(event.body, header, SECRET)
        assert (read.id, read.type) == (event.id, event.kind)


def test_all_three_tell_of_one_payment():
    sisters_told = told()

    reports = [report for event in sisters_told.events for report in read(event.body)]

    assert [report.fact.key.reference for report in reports] == [sisters_told.payment_intent] * 3
    assert {report.fact.status for report in reports} == {Status.SUCCEEDED}
    assert {report.fact.meant_for for report in reports} == {("INV-0001",)}


@pytest.mark.parametrize(
    ("currency", "amount_minor"),
    [("RON", 12_050), ("JPY", 500), ("KWD", 1_500), ("ISK", 900), ("UGX", 7), ("MGA", 1_200)],
)
def test_they_carry_the_amount_in_the_units_of_stripe(currency: str, amount_minor: int):
    money = {
        report.fact.money
        for event in told(currency, amount_minor).events
        for report in read(event.body)
    }

    assert money == {Money(currency, amount_minor)}


def test_an_amount_that_stripe_cannot_express_is_refused():
    with pytest.raises(Refused, match="MGA"):
        told("MGA", 1_250)


def test_they_are_printed_as_stripe_prints():
    for event in told().events:
        assert event.body == json.dumps(json.loads(event.body), indent=2)
        assert len(json.loads(event.body)["data"]["object"]) > 30


def test_no_two_names_are_the_same():
    names = {play.fresh() for _ in range(1_000)}

    assert len(names) == 1_000
    assert {len(name) for name in names} == {24}


def read(body: str):
    reading = GATEWAY.read(body.encode())
    assert isinstance(reading, tuple)
    return reading
