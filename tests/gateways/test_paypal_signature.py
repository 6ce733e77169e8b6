"""Nobody but PayPal is believed, and nobody is asked for a key that is not PayPal's."""

import json
import random
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import Refused, Untrusted
from gateways.paypal import PayPal
from gateways.paypal_certificates import LIVE_NAME, SANDBOX_NAME, Certificates
from gateways.port import Delivery, NeedsKey, Outcome, Unreadable
from tests import paypal_seal
from tests.crc32 import collision
from tests.gateways.deliveries import paypal_body
from tests.paypal_seal import ADDRESS, WEBHOOK_ID, Seal, Transmission, a_seal, delivery

BODY = paypal_body("payment_capture_completed")
NOW = datetime(2026, 11, 20, 10, 0, 20, tzinfo=UTC)
RECORDED = json.loads(
    (Path(__file__).parent / "deliveries/paypal/paypal_signed_2017.json").read_text()
)
RECORDED_AT = datetime(2017, 3, 30, 20, 4, 10, tzinfo=UTC)


def a_paypal(seal: Seal | None = None, webhook_id: str = WEBHOOK_ID, **how: bool) -> PayPal:
    is_live = how.get("is_live", False)
    roots = (seal or a_seal()).root
    return PayPal("own", webhook_id, Certificates(is_live=is_live, roots=roots), is_live=is_live)


def keys(seal: Seal | None = None) -> Mapping[str, bytes]:
    return {ADDRESS: (seal or a_seal()).chain}


def recorded(body: str) -> Delivery:
    headers = {
        "transmission-id": RECORDED["transmission_id"],
        "transmission-time": RECORDED["transmission_time"],
        "transmission-sig": RECORDED["transmission_sig"],
        "cert-url": ADDRESS,
        "auth-algo": RECORDED["auth_algo"],
    }
    named = ((f"paypal-{name}".encode(), value.encode()) for name, value in headers.items())
    return Delivery(tuple(named), body.encode())


def believing(pem: str) -> PayPal:
    certificates = Certificates(is_live=False, roots=pem)
    return PayPal("own", RECORDED["webhook_id"], certificates, is_live=False)


def test_a_message_that_paypal_itself_signed_is_believed():
    pem = RECORDED["cert_pem"]

    envelope = believing(pem).authenticate(
        recorded(RECORDED["body"]), {ADDRESS: pem.encode()}, RECORDED_AT
    )

    assert (envelope.event_id, envelope.kind, envelope.binding) == (
        "WH-2MW4820926242972J-6SG447389E205703U",
        "BILLING.PLAN.CREATED",
        "071f7d20-1584-11e7-abf0-6b62a8a99ac4",
    )


def test_the_same_message_in_other_words_is_not():
    pem = RECORDED["cert_pem"]
    again = json.dumps(json.loads(RECORDED["body"]))

    assert json.loads(again) == json.loads(RECORDED["body"])
    with pytest.raises(Untrusted, match="does not fit"):
        believing(pem).authenticate(recorded(again), {ADDRESS: pem.encode()}, RECORDED_AT)


@pytest.mark.parametrize("years", [-1, 3])
def test_a_certificate_vouches_only_while_it_is_valid(years: int):
    pem = RECORDED["cert_pem"]
    at = RECORDED_AT.replace(year=RECORDED_AT.year + years)
    sent = recorded(RECORDED["body"])
    fresh = [
        (name, at.strftime("%Y-%m-%dT%H:%M:%SZ").encode() if b"time" in name else value)
        for name, value in sent.headers
    ]

    with pytest.raises(Untrusted, match="not valid now"):
        believing(pem).authenticate(
            replace(sent, headers=tuple(fresh)), {ADDRESS: pem.encode()}, at
        )


def test_a_signed_delivery_is_believed_and_bound_to_its_transmission():
    envelope = a_paypal().authenticate(delivery(BODY, a_seal()), keys(), NOW)

    assert envelope.account == "own/test"
    assert envelope.event_id == "WH-58D329510W468432D-8HN650336L201105X"
    assert envelope.kind == "PAYMENT.CAPTURE.COMPLETED"
    assert envelope.binding == paypal_seal.TRANSMISSION
    assert set(envelope.headers_to_keep) == {
        "paypal-transmission-id",
        "paypal-transmission-time",
        "paypal-transmission-sig",
        "paypal-cert-url",
        "paypal-auth-algo",
    }


def test_a_missing_key_is_named_and_nothing_else_is_asked_for():
    with pytest.raises(NeedsKey) as needed:
        a_paypal().authenticate(delivery(BODY, a_seal()), {}, NOW)

    assert needed.value.address == ADDRESS


@pytest.mark.parametrize("change", [b" ", b"\n"])
def test_one_byte_more_is_not_believed(change: bytes):
    sent = delivery(BODY, a_seal())

    with pytest.raises(Untrusted):
        a_paypal().authenticate(replace(sent, body=sent.body + change), keys(), NOW)


def test_what_the_signature_does_not_bind_is_known_to_pass_it():
    """The reason why every event is a hint: another body with the same checksum is 'signed' too."""
    sent = delivery(BODY, a_seal())
    forged = collision(BODY.replace(b'"24.20"', b'"99.20"'), zlib.crc32(BODY))

    envelope = a_paypal().authenticate(replace(sent, body=forged), keys(), NOW)

    assert forged != BODY
    assert json.loads(forged)["resource"]["amount"]["value"] == "99.20"
    assert envelope.binding == paypal_seal.TRANSMISSION


@pytest.mark.parametrize("name", [LIVE_NAME, SANDBOX_NAME])
def test_a_live_door_believes_live_hosts_and_live_names_alone(name: str):
    seal = a_seal(name)
    address = ADDRESS.replace("api.sandbox.", "api.")
    live = a_paypal(seal, is_live=True)

    with pytest.raises(Untrusted, match="address"):
        live.authenticate(delivery(BODY, seal), {ADDRESS: seal.chain}, NOW)
    sent = delivery(BODY, seal, Transmission(address=address))
    if name == LIVE_NAME:
        assert live.authenticate(sent, {address: seal.chain}, NOW).account == "own/live"
    else:
        with pytest.raises(Untrusted, match="another one's"):
            live.authenticate(sent, {address: seal.chain}, NOW)


@pytest.mark.parametrize(
    "age", [timedelta(0), timedelta(days=3, hours=23), -timedelta(minutes=4, seconds=59)], ids=str
)
def test_resends_span_days_and_clocks_differ_by_minutes(age: timedelta):
    sent = Transmission(time=(NOW - age).isoformat().replace("+00:00", "Z"))

    assert a_paypal().authenticate(delivery(BODY, a_seal(), sent), keys(), NOW)


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-16T10:00:19Z",
        "2026-11-20T10:05:21Z",
        "2027-11-20T10:00:00Z",
        "2026-11-20T10:00:14",
        "2026-11-20 10:00:14Z",
        "2026-11-20",
        "2026-13-20T10:00:14Z",
        "2026-11-20T25:00:14Z",
        "1795213171",
        "٢٠٢٦-11-20T10:00:14Z".encode().decode("latin-1"),
        "",
        "now",
    ],
)
def test_a_time_that_is_none_or_far_away_is_refused(time: str):
    with pytest.raises(Untrusted):
        a_paypal().authenticate(delivery(BODY, a_seal(), Transmission(time=time)), keys(), NOW)


def test_a_bar_in_a_header_cannot_move_the_parts_of_the_message():
    """Signed as `id|time`, then told as another id and another time."""
    signed = Transmission(id="a", time="2026-11-20T10:00:14Z")
    told = Transmission(id="a|2026-11-20T10:00:14Z", time="2026-11-20T10:00:14Z")
    signature = dict(signed.headers(BODY, a_seal()))["Paypal-Transmission-Sig"]

    with pytest.raises(Untrusted, match="transmission id"):
        a_paypal().authenticate(
            delivery(BODY, a_seal(), replace(told, signature=signature)), keys(), NOW
        )


def test_a_leaf_alone_is_believed_from_an_encrypted_host_under_public_authorities_only():
    """PayPal published no chain: see the decision about it."""
    seal = paypal_seal.alone(a_seal())
    near = "http://127.0.0.1:8123/v1/notifications/certs/CERT-1"
    public = Certificates(is_live=False)
    plain = Certificates(is_live=False, hosts=["http://127.0.0.1:8123"])

    assert public.key(ADDRESS, seal.chain, NOW)
    for certificates, address, pem in (
        (public, ADDRESS, a_seal().chain),
        (public, ADDRESS, paypal_seal.a_self_signed_seal().chain),
        (plain, near, seal.chain),
        (Certificates(is_live=False, roots=paypal_seal.a_strangers_seal().root), near, b"x"),
    ):
        with pytest.raises(Untrusted):
            certificates.key(address, pem, NOW)


@pytest.mark.parametrize("id_", ["", " ", "WEBHOOK_ID", "a b", "x" * 65, "1|2"])
def test_no_door_opens_for_the_simulator_or_for_nobody(id_: str):
    with pytest.raises(Refused, match="webhook_id"):
        a_paypal(webhook_id=id_)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "https://api.paypal.com",
        "http://10.0.0.1:80",
        "http://127.0.0.1",
        "http://127.0.0.1:80/x",
        "http://a@127.0.0.1:80",
        "api.paypal.com:8443",
        "localhost",
        "*.paypal.com",
        "ftp://127.0.0.1:21",
    ],
)
def test_a_host_for_certificates_is_a_name_or_an_address_of_this_machine(host: str):
    with pytest.raises(Refused, match="PAYPAL_CERT_HOSTS"):
        Certificates(is_live=False, hosts=[host])


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'{"id": 1, "event_type": "x"}', b'{"id": "WH-1"}', b"{'id'}"],
)
def test_a_signed_body_that_is_no_event_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        a_paypal().authenticate(delivery(body, a_seal()), keys(), NOW)


def test_any_change_to_the_proof_is_refused():
    """Of a thousand random changes to the five headers none is believed."""
    rng = random.Random(20261121)
    sent = delivery(BODY, a_seal())
    refused = 0
    for _ in range(1000):
        headers = [list(each) for each in sent.headers]
        chosen = rng.choice(headers)
        at = rng.randrange(len(chosen[1]))
        chosen[1] = chosen[1][:at] + bytes([rng.randrange(33, 127)]) + chosen[1][at + 1 :]
        changed = replace(sent, headers=tuple((name, value) for name, value in headers))
        if changed.headers == sent.headers:
            continue
        with pytest.raises((Untrusted, NeedsKey)):
            a_paypal().authenticate(changed, keys(), NOW)
        refused += 1

    assert refused > 900


def test_of_two_bodies_under_one_transmission_one_is_refused():
    paypal = a_paypal()

    assert paypal.reply(Outcome.KEPT).status == paypal.reply(Outcome.DUPLICATE).status == 200
    assert paypal.reply(Outcome.DIFFERS) == paypal.reply(Outcome.UNTRUSTED)
    assert paypal.reply(Outcome.UNTRUSTED).status == 400
    assert paypal.reply(Outcome.BUSY).status == 503
