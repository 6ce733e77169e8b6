"""What the sandbox signs, checked by others' means: Stripe's package, and plain cryptography."""

import base64
import json
import zlib

import httpx
import pytest
import stripe
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from sandbox.running import Running
from tests.sandbox.customers import SECRETS, AtPaypal, AtStripe
from tests.sandbox.listening import Listener, Taken

_SIGNER = "messageverificationcerts.sandbox.paypal.com"


def test_stripes_own_package_accepts_every_delivery_with_each_active_secret(
    at_stripe: AtStripe, listener: Listener
) -> None:
    at_stripe.paid()

    assert len(listener.taken) == 4
    for taken in listener.taken:
        for secret in SECRETS:
            stripe.Webhook.construct_event(taken.body, taken.headers["stripe-signature"], secret)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(
                taken.body, taken.headers["stripe-signature"], "whsec_other"
            )
        assert taken.path == "/webhooks/stripe"
        assert taken.body != json.dumps(taken.json).encode()


def test_paypals_signature_covers_id_time_webhook_and_the_bodys_crc(
    at_paypal: AtPaypal, listener: Listener, browser: httpx.Client
) -> None:
    at_paypal.captured()
    at_paypal.sandbox.settle()

    assert len(listener.taken) == 3
    for taken in listener.taken:
        key = _leaf(browser.get(taken.headers["paypal-cert-url"]).content).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        _verify(key, taken, taken.body)
        with pytest.raises(InvalidSignature):
            _verify(key, taken, json.dumps(taken.json).encode())
        assert taken.headers["paypal-auth-algo"] == "SHA256withRSA"
        assert taken.headers["paypal-auth-version"] == "v2"
        assert taken.path == "/webhooks/paypal"


def test_the_certificate_stands_in_paypals_name_under_the_sandboxs_authority(
    sandbox: Running, browser: httpx.Client
) -> None:
    told = browser.get(f"{sandbox.url}/control").json()["cert_url"]
    chain = x509.load_pem_x509_certificates(browser.get(told).content)
    authority = browser.get(f"{sandbox.url}/control/authority.pem").content
    names = chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)

    store = Store(x509.load_pem_x509_certificates(authority))
    verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName(_SIGNER))

    assert [name.value for name in names] == [_SIGNER]
    assert verifier.verify(chain[0], chain[1:])
    assert told.startswith(f"{sandbox.url}/v1/notifications/certs/CERT-")
    assert browser.get(f"{told}x").status_code == 404


def test_each_transmission_has_its_own_id_and_its_retries_keep_it(
    at_paypal: AtPaypal, listener: Listener
) -> None:
    listener.statuses = [500, 500]
    order = at_paypal.order()
    at_paypal.press(order, "pay")
    at_paypal.sandbox.settle()
    first = {each.headers["paypal-transmission-id"] for each in listener.taken}
    id_ = listener.taken[0].json["id"]
    at_paypal.post(f"/v1/notifications/webhooks-events/{id_}/resend")
    at_paypal.sandbox.settle()

    assert [each.status for each in listener.taken] == [500, 500, 200, 200]
    assert len(first) == 1
    assert listener.taken[-1].headers["paypal-transmission-id"] not in first
    assert {each.json["id"] for each in listener.taken} == {id_}


def _leaf(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificates(pem)[0]


def _verify(key: rsa.RSAPublicKey, taken: Taken, body: bytes) -> None:
    told = taken.headers
    id_, time = told["paypal-transmission-id"], told["paypal-transmission-time"]
    message = f"{id_}|{time}|5AN0B0X000000WH1D|{zlib.crc32(body)}".encode()
    signature = base64.b64decode(told["paypal-transmission-sig"])
    key.verify(signature, message, padding.PKCS1v15(), SHA256())
