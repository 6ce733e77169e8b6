"""MobilPay's package of npm and Node itself: we open what they seal, and they what we seal.

The package knows the old cipher alone: it opens what we seal where our account speaks that, and
what we seal with AES is opened by Node's own crypto.
"""

from urllib.parse import urlencode

import pytest

from domain.errors import Untrusted
from domain.facts import Report, Status
from gateways import mobilpay_seal
from gateways.mobilpay_form import arrived
from gateways.mobilpay_seal import private_keys
from gateways.port import Delivery
from tests import mobilpay_seal as seal
from tests.builders import at
from tests.mobilpay_seal import Seal
from tests.npm import packages
from tests.web.test_order_form import ORDER

NOW = at("2026-11-20T12:00")

_SEAL = """
const { encrypt } = require('mobilpay-card/encrypt');
const { envKey, envData } = encrypt(told.certificate, told.xml);
process.stdout.write(JSON.stringify({ env_key: envKey, data: envData }));
"""
_ORDER = """
const MobilPay = require('mobilpay-card');
const shop = new MobilPay(told.signature);
shop.setPublicKey(told.certificate);
shop.setClientBillingData({ firstName: 'Ana', lastName: 'Pop', county: 'Cluj', city: 'Cluj',
  address: 'Str. Lunga 1', email: 'ana@example.ro', phone: '0722000000' });
shop.setPaymentData({ orderId: 'INV-1-1', amount: '120.50', currency: 'RON', details: 'Factura',
  confirmUrl: 'https://merchant.test/c', returnUrl: 'https://merchant.test/r' });
const { env_key, data } = shop.buildRequest(true);
process.stdout.write(JSON.stringify({ env_key, data }));
"""
_OPEN_OLD = """
const { decrypt } = require('mobilpay-card/encrypt');
process.stdout.write(JSON.stringify(decrypt(told.key, told.env_key, told.data).toString()));
"""
_OPEN = """
const crypto = require('crypto');
const of = (name) => Buffer.from(told[name], 'base64');
const key = crypto.privateDecrypt(
  { key: told.key, padding: crypto.constants.RSA_PKCS1_PADDING }, of('env_key'));
const opening = crypto.createDecipheriv(told.cipher, key, of('iv'));
const xml = Buffer.concat([opening.update(of('data')), opening.final()]).toString('utf8');
process.stdout.write(JSON.stringify(xml));
"""


def sealed(xml: bytes) -> dict[str, str]:
    """A notice as the package seals it; it knows one byte per sign, and so is ours here."""
    told: dict[str, str] = packages.run(
        _SEAL, {"certificate": seal.certificate("ours"), "xml": xml.decode("ascii")}
    )
    return told


def delivered(fields: dict[str, str]) -> Delivery:
    return seal.delivery(urlencode(fields).encode())


def test_what_the_package_seals_is_money_where_the_old_cipher_is_believed():
    gateway = seal.a_mobilpay(has_rc4=True)

    envelope = gateway.authenticate(delivered(sealed(seal.recorded())), {}, NOW)

    reading = gateway.read(envelope.kept or b"")
    assert isinstance(reading, tuple)
    assert isinstance(reading[0], Report)
    assert (reading[0].fact.status, reading[0].fact.money) == (Status.SUCCEEDED, seal.MONEY)
    with pytest.raises(Untrusted):
        seal.a_mobilpay().authenticate(delivered(sealed(seal.recorded())), {}, NOW)


def test_an_order_of_the_package_is_opened_to_the_letter():
    told = packages.run(
        _ORDER, {"certificate": seal.certificate("theirs"), "signature": seal.SIGNATURE}
    )

    opened = list(mobilpay_seal.opened(arrived(delivered(told)), private_keys(seal.pem("theirs"))))

    assert len(opened) == 1
    text = opened[0].decode()
    assert 'id="INV-1-1"' in text
    assert f"<signature>{seal.SIGNATURE}</signature>" in text
    assert '<invoice currency="RON" amount="120.50">' in text


def test_node_opens_the_order_that_we_seal():
    fields = seal.a_mobilpay().form(ORDER).fields

    opened = packages.run(_OPEN, {**fields, "key": seal.pem("theirs")})

    assert opened.encode() == seal.opened(fields)
    assert f'id="{ORDER.order_id}"' in opened
    assert "ana%40example.ro" in opened


def test_the_package_opens_the_order_that_we_seal_where_the_old_cipher_is_spoken():
    fields = seal.a_mobilpay(has_rc4=True).form(ORDER).fields

    opened = packages.run(_OPEN_OLD, {**fields, "key": seal.pem("theirs")})

    assert opened.encode() == seal.opened(fields)
    assert f'id="{ORDER.order_id}"' in opened
    assert "<ipn_cipher>rc4</ipn_cipher>" in opened


def test_the_package_opens_what_the_tests_seal_with_the_old_cipher():
    fields = Seal(cipher="rc4").fields(seal.recorded())

    opened = packages.run(_OPEN_OLD, {**fields, "key": seal.pem("ours")})

    assert opened.encode() == seal.recorded()
