"""Nobody but Stripe is believed, and nobody learns why he is not."""

from datetime import UTC, datetime

import pytest
import stripe as vendor

from domain.errors import Refused, Untrusted
from gateways.port import Outcome, Unreadable
from gateways.stripe import Stripe
from tests.gateways.deliveries import (
    SECRET,
    SIGNED_AT,
    delivery,
    stripe_body,
    stripe_header,
    stripe_signature,
)

BODY = stripe_body("intent_succeeded")
GOOD = stripe_signature(BODY)


def at(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


NOW = at(SIGNED_AT)


def a_stripe(*secrets: str) -> Stripe:
    return Stripe("own", secrets or (SECRET,), is_live=False)


def test_a_signed_delivery_is_believed():
    envelope = a_stripe().authenticate(delivery(BODY, stripe_header(BODY)), {}, NOW)

    assert envelope.account == "own/test"
    assert envelope.event_id == "evt_intent_succeeded"
    assert envelope.kind == "payment_intent.succeeded"
    assert envelope.binding is None
    assert envelope.headers_to_keep == {"stripe-signature": f"t={SIGNED_AT},v1={GOOD}"}


def test_the_published_vector_is_believed():
    known = b'{"id":"evt_test_vector","object":"event"}'
    vector = "a1105bfc524bfe0dccd23464348a2e2efb93c72756e87f1692801cda56ca6e7b"
    header = f"t=1700000000,v1={vector}".encode()

    assert stripe_signature(known, SECRET, 1_700_000_000) == vector
    # The vector has no type: that it fails only there proves that the signature was believed.
    with pytest.raises(Unreadable, match="type"):
        a_stripe().authenticate(delivery(known, header), {}, at(1_700_000_000))


def test_what_the_vendors_own_library_signs_is_believed():
    header = vendor.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, SIGNED_AT)

    envelope = a_stripe().authenticate(delivery(BODY, header.encode()), {}, NOW)

    assert envelope.event_id == "evt_intent_succeeded"


def test_ten_signatures_are_looked_at():
    header = b"t=1795213171" + b",v1=0" * 9 + b",v1=" + GOOD.encode()

    assert a_stripe().authenticate(delivery(BODY, header), {}, NOW)


@pytest.mark.parametrize("second", [SIGNED_AT - 300, SIGNED_AT, SIGNED_AT + 300])
def test_a_clock_may_be_five_minutes_off(second: int):
    assert a_stripe().authenticate(delivery(BODY, stripe_header(BODY)), {}, at(second))


@pytest.mark.parametrize("second", [SIGNED_AT - 301, SIGNED_AT + 301])
def test_an_older_or_later_signature_is_not_believed(second: int):
    with pytest.raises(Untrusted):
        a_stripe().authenticate(delivery(BODY, stripe_header(BODY)), {}, at(second))


def test_during_a_rotation_both_secrets_hold_and_after_it_only_the_new_one():
    rotating = a_stripe("whsec_old", "whsec_new")

    for secrets in (("whsec_old",), ("whsec_new",), ("whsec_old", "whsec_new")):
        assert rotating.authenticate(delivery(BODY, stripe_header(BODY, *secrets)), {}, NOW)
    with pytest.raises(Untrusted):
        a_stripe("whsec_new").authenticate(
            delivery(BODY, stripe_header(BODY, "whsec_old")), {}, NOW
        )


def test_a_secret_with_a_stray_line_end_still_holds():
    assert a_stripe(f"{SECRET}\n").authenticate(delivery(BODY, stripe_header(BODY)), {}, NOW)


@pytest.mark.parametrize("secrets", [(), ("",), (" \n",), (SECRET, "")])
def test_no_gateway_is_made_without_a_secret(secrets: tuple[str, ...]):
    with pytest.raises(Refused, match="no_webhook_secret"):
        Stripe("own", secrets, is_live=False)


def test_stripe_stops_at_success_and_comes_again_otherwise():
    gateway = a_stripe()

    told = {outcome: gateway.reply(outcome).status for outcome in Outcome}

    assert told == {
        Outcome.KEPT: 200,
        Outcome.DUPLICATE: 200,
        Outcome.DIFFERS: 200,
        Outcome.UNTRUSTED: 400,
        Outcome.MALFORMED: 400,
        Outcome.BUSY: 503,
    }
