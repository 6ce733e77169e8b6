"""MobilPay as it writes to us: notices out of the recorded one, and a seal of its own around them.

The seal is made here from the description of PHP's `openssl_seal`, and with no code of ours.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from os import urandom
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import NameOID

from domain.money import Money
from gateways import mobilpay_secret
from gateways.mobilpay import MobilPay, Terms
from gateways.mobilpay_order import Page
from gateways.mobilpay_seal import private_keys, public_key
from gateways.mobilpay_soap import MobilPaySoap
from gateways.port import Claim, Delivery

SIGNATURE = "AAAA-BBBB-CCCC-DDDD-EEEE"
SECRET_KEY = b"a secret of thirty-two signs, or so"
CONFIRM_URL = "https://merchant.test/webhooks/mobilpay"
PAGE_URL = "https://sandboxsecure.mobilpay.ro"
ORDER = "INV-2026-0001-1"
MONEY = Money("RON", 120_50)
ZONE = ZoneInfo("Europe/Bucharest")
CRC = "35f8fc625aa37f8fe4ebe4013364af40"
TYPE = (b"content-type", b"application/x-www-form-urlencoded")

_FOLDER = Path(__file__).parent / "gateways/deliveries/mobilpay"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """A key of that name; `ours` opens notices, `theirs` opens orders, others are strangers'."""
    return rsa.generate_private_key(65537, 1024 if name == "old" else 2048)


def pem(name: str, form: str = "pkcs8") -> str:
    """The private key as PEM, in either of its two forms."""
    written = {
        "pkcs8": serialization.PrivateFormat.PKCS8,
        "pkcs1": serialization.PrivateFormat.TraditionalOpenSSL,
    }
    no_password = serialization.NoEncryption()
    return key(name).private_bytes(serialization.Encoding.PEM, written[form], no_password).decode()


@cache
def certificate(name: str) -> str:
    """The public half in a certificate, as MobilPay's panel hands it out."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"sandbox.{SIGNATURE}")])
    at = datetime(2026, 11, 20, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key(name).public_key())
        .serial_number(1)
        .not_valid_before(at)
        .not_valid_after(at + timedelta(days=365))
        .sign(key(name), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def a_mobilpay(
    *names: str,
    page: bool = True,
    page_url: str = PAGE_URL,
    soap: MobilPaySoap | None = None,
    **terms: bool,
) -> MobilPay:
    """One point of sale in test mode; `names` are those of its private keys."""
    keys = private_keys("\n".join(pem(name) for name in names or ("ours",)))
    shown = Page(page_url, public_key(certificate("theirs"))) if page else None
    agreed = Terms(SIGNATURE, CONFIRM_URL, **terms)
    return MobilPay(agreed, keys, SECRET_KEY, is_live=False, page=shown, soap=soap)


def recorded(name: str = "confirmed") -> bytes:
    """What was recorded, byte for byte."""
    return (_FOLDER / f"{name}.xml").read_bytes()


def a_notice(**changes: str) -> bytes:
    """The recorded notice with other texts in it, by element or attribute."""
    text = recorded().decode()
    for name, value in {"told_at": "20261120125130", **changes}.items():
        pattern, made = _PLACES[name]
        assert re.search(pattern, text), f"the notice has no {name}"
        text = (made % value).join(re.split(pattern, text))
    return text.encode()


_PLACES = {
    "order_id": (r'(?<=<order type="card" )id="[^"]*"', 'id="%s"'),
    "signature": (r"<signature>.*</signature>", "<signature>%s</signature>"),
    "currency": (r'currency="[^"]*"', 'currency="%s"'),
    "amount": (r'amount="[^"]*"', 'amount="%s"'),
    "action": (r"<action>.*</action>", "<action>%s</action>"),
    "code": (r'<error code="[^"]*"', '<error code="%s"'),
    "purchase": (r"<purchase>.*</purchase>", "<purchase>%s</purchase>"),
    "asked": (r"<original_amount>.*</original_amount>", "<original_amount>%s</original_amount>"),
    "processed": (
        r"<processed_amount>.*</processed_amount>",
        "<processed_amount>%s</processed_amount>",
    ),
    "told_at": (r'<mobilpay timestamp="[^"]*"', '<mobilpay timestamp="%s"'),
    "crc": (r'crc="[^"]*"', 'crc="%s"'),
}


@dataclass(frozen=True, slots=True)
class Seal:
    """How something is sealed; what is None is made up, anew each time."""

    key: str = "ours"
    cipher: str | None = "aes-256-cbc"
    session_key: bytes | None = None
    iv: bytes = field(default_factory=lambda: urandom(16))

    def fields(self, xml: bytes) -> dict[str, str]:
        """The form that travels; without a cipher it is the old one, and nobody says so."""
        is_aes = self.cipher == "aes-256-cbc"
        session_key = self.session_key or urandom(32 if is_aes else 16)
        text = aes(xml, session_key, self.iv) if is_aes else rc4(xml, session_key)
        sealed = key(self.key).public_key().encrypt(session_key, PKCS1v15())
        fields = {"env_key": _base64(sealed), "data": _base64(text)}
        if self.cipher is not None:
            fields["cipher"] = self.cipher
        return {**fields, "iv": _base64(self.iv)} if is_aes else fields


def aes(text: bytes, session_key: bytes, iv: bytes) -> bytes:
    padder = padding.PKCS7(128).padder()
    closing = Cipher(algorithms.AES(session_key), modes.CBC(iv)).encryptor()
    return closing.update(padder.update(text) + padder.finalize()) + closing.finalize()


def rc4(text: bytes, session_key: bytes) -> bytes:
    closing = Cipher(ARC4(session_key), mode=None).encryptor()
    return closing.update(text) + closing.finalize()


def opened(fields: Mapping[str, str], name: str = "theirs") -> bytes:
    """What is sealed in a form, as its addressee opens it."""
    sealed, text = (base64.b64decode(fields[each]) for each in ("env_key", "data"))
    session_key = key(name).decrypt(sealed, PKCS1v15())
    if fields["cipher"] == "rc4":
        assert (len(session_key), "iv" in fields) == (16, False)
        return rc4(text, session_key)
    assert fields["cipher"] == "aes-256-cbc"
    iv = base64.b64decode(fields["iv"])
    opening = Cipher(algorithms.AES(session_key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    padded = opening.update(text) + opening.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def secret(order_id: str = ORDER, money: Money = MONEY, by: bytes = SECRET_KEY) -> str:
    """The secret of the address at which MobilPay tells us about an order."""
    return mobilpay_secret.secret(by, Claim(order_id, money))


def body(xml: bytes | None = None, seal: Seal | None = None, **fields: str) -> bytes:
    """A body as MobilPay posts it; `fields` change the form that is sealed."""
    sealed = (seal or Seal()).fields(recorded() if xml is None else xml)
    return urlencode({**sealed, **fields}).encode()


def delivery(
    body_: bytes, secret_: str | None = None, *, is_bare: bool = False, **more: str
) -> Delivery:
    """A delivery at the address of the recorded order, or at another one."""
    told = None if is_bare else secret() if secret_ is None else secret_
    return Delivery((TYPE,), body_, secret=told, **more)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
