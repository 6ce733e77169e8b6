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
    pretty,
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
    envelope = a_stripe().authenticate(delivery(BODY, stripe_header(BODY)), NOW)

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
        a_stripe().authenticate(delivery(known, header), at(1_700_000_000))


def test_what_the_vendors_own_library_signs_is_believed():
    header = vendor.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, SIGNED_AT)

    envelope = a_stripe().authenticate(delivery(BODY, header.encode()), NOW)

    assert envelope.event_id == "evt_intent_succeeded"


FORGERIES = {
    "no header": (BODY, ()),
    "an empty header": (BODY, (b"",)),
    "only an instant": (BODY, (b"t=1795213171",)),
    "an empty instant": (BODY, (b"t=,v1=" + GOOD.encode(),)),
    "only a signature": (BODY, (b"v1=" + GOOD.encode(),)),
    "an empty signature": (BODY, (b"t=1795213171,v1=",)),
    "another secret": (BODY, (stripe_header(BODY, "whsec_other"),)),
    "only the old scheme": (BODY, (f"t={SIGNED_AT},v0={GOOD}".encode(),)),
    "one byte changed": (BODY.replace(b"24200", b"24201", 1), (stripe_header(BODY),)),
    "the same in other words": (BODY.replace(b"\n", b""), (stripe_header(BODY),)),
    "an instant in words": (BODY, (stripe_header(BODY, at="now"),)),
    "a negative instant": (BODY, (stripe_header(BODY, at=-SIGNED_AT),)),
    "a signed instant": (BODY, (stripe_header(BODY, at=f"+{SIGNED_AT}"),)),
    "an instant of 30 digits": (BODY, (stripe_header(BODY, at="1" * 30),)),
    "an instant twice": (BODY, (b"t=1795213171," + stripe_header(BODY),)),
    "an instant with spaces": (BODY, (stripe_header(BODY, at=f" {SIGNED_AT}"),)),
    "capital letters": (BODY, (f"t={SIGNED_AT},v1={GOOD.upper()}".encode(),)),
    "signs beyond ASCII": (BODY, (f"t={SIGNED_AT},v1=é{GOOD[1:]}".encode(),)),
    "bytes that are no text": (BODY, (b"t=1795213171,v1=\xff\xfe",)),
    "a NUL beside a signature that fits": (BODY, (stripe_header(BODY) + b",x=\x00",)),
    "a thousand signatures": (BODY, (stripe_header(BODY) + b",v1=" + b",v1=".join([b"0"] * 999),)),
    "eleven, the last one right": (
        BODY,
        (b"t=1795213171" + b",v1=0" * 10 + b",v1=" + GOOD.encode(),),
    ),
    "a header of megabytes": (BODY, (stripe_header(BODY) + b",x=" + b"0" * 1_000_000,)),
    "the header twice": (BODY, (stripe_header(BODY), stripe_header(BODY))),
}


@pytest.mark.parametrize(("body", "headers"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_is_not_believed(body: bytes, headers: tuple[bytes, ...]):
    with pytest.raises(Untrusted) as refusal:
        a_stripe().authenticate(delivery(body, *headers), NOW)

    assert not isinstance(refusal.value, Unreadable)


def test_ten_signatures_are_looked_at():
    header = b"t=1795213171" + b",v1=0" * 9 + b",v1=" + GOOD.encode()

    assert a_stripe().authenticate(delivery(BODY, header), NOW)


@pytest.mark.parametrize("second", [SIGNED_AT - 300, SIGNED_AT, SIGNED_AT + 300])
def test_a_clock_may_be_five_minutes_off(second: int):
    assert a_stripe().authenticate(delivery(BODY, stripe_header(BODY)), at(second))


@pytest.mark.parametrize("second", [SIGNED_AT - 301, SIGNED_AT + 301])
def test_an_older_or_later_signature_is_not_believed(second: int):
    with pytest.raises(Untrusted):
        a_stripe().authenticate(delivery(BODY, stripe_header(BODY)), at(second))


def test_during_a_rotation_both_secrets_hold_and_after_it_only_the_new_one():
    rotating = a_stripe("whsec_old", "whsec_new")

    for secrets in (("whsec_old",), ("whsec_new",), ("whsec_old", "whsec_new")):
        assert rotating.authenticate(delivery(BODY, stripe_header(BODY, *secrets)), NOW)
    with pytest.raises(Untrusted):
        a_stripe("whsec_new").authenticate(delivery(BODY, stripe_header(BODY, "whsec_old")), NOW)


def test_a_secret_with_a_stray_line_end_still_holds():
    assert a_stripe(f"{SECRET}\n").authenticate(delivery(BODY, stripe_header(BODY)), NOW)


@pytest.mark.parametrize("secrets", [(), ("",), (" \n",), (SECRET, "")])
def test_no_gateway_is_made_without_a_secret(secrets: tuple[str, ...]):
    with pytest.raises(Refused, match="no_webhook_secret"):
        Stripe("own", secrets, is_live=False)


SENSELESS = {
    "nothing": b"",
    "no JSON": b"hello",
    "no UTF-8": b'{"id": "evt_1", "type": "\xff"}',
    "a list": b'[{"id": "evt_1", "type": "ping"}]',
    "null": b"null",
    "no id": b'{"type": "ping"}',
    "an empty id": b'{"id": "", "type": "ping"}',
    "an id of 256": pretty({"id": "e" * 256, "type": "ping"}),
    "an id of 10 kB": pretty({"id": "e" * 10_000, "type": "ping"}),
    "an id that is a number": b'{"id": 7, "type": "ping"}',
    "an id that is no ASCII": '{"id": "evt_é", "type": "ping"}'.encode(),
    "an id with a line end": b'{"id": "evt_1\\n", "type": "ping"}',
    "an id with a NUL": b'{"id": "evt_1\\u0000", "type": "ping"}',
    "no type": b'{"id": "evt_1"}',
    "two ids": b'{"id": "evt_1", "type": "ping", "id": "evt_2"}',
    "endless nesting": b'{"id": "evt_1", "type": "ping", "x": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("body", SENSELESS.values(), ids=SENSELESS.keys())
def test_a_signed_body_without_sense_is_untrusted_and_told_apart(body: bytes):
    with pytest.raises(Unreadable):
        a_stripe().authenticate(delivery(body, stripe_header(body)), NOW)


def test_stripe_stops_at_success_and_comes_again_otherwise():
    gateway = a_stripe()

    told = {outcome: gateway.reply(outcome).status for outcome in Outcome}

    assert told == {
        Outcome.KEPT: 200,
        Outcome.DUPLICATE: 200,
        Outcome.DIFFERS: 200,
        Outcome.UNTRUSTED: 400,
        Outcome.BUSY: 503,
    }


def test_a_nul_in_a_field_nobody_reads_does_not_lose_the_money():
    body = b'{"id": "evt_1", "type": "ping", "description": "x\\u0000y \\ud83d"}'

    assert a_stripe().authenticate(delivery(body, stripe_header(body)), NOW).event_id == "evt_1"
