"""A pen that signs as PayPal does, with certificates of our own making, good ones and others."""

import base64
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateways.paypal_certificates import SANDBOX_NAME
from gateways.port import Delivery

WEBHOOK_ID = "96605875FF6516633"
ADDRESS = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb"
TRANSMISSION = "071f7d20-1584-11e7-abf0-6b62a8a99ac4"
_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
_ENDS = datetime(2040, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Seal:
    """A certificate with its key; `chain` is what its host serves, `root` whom to believe."""

    key: RSAPrivateKey
    chain: bytes
    root: str

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, PKCS1v15(), SHA256())


@dataclass(frozen=True)
class Transmission:
    """What PayPal says around a body; a header of None is left out."""

    id: str = TRANSMISSION
    time: str = "2026-11-20T10:00:14Z"
    address: str = ADDRESS
    algorithm: str = "SHA256withRSA"
    webhook_id: str = WEBHOOK_ID
    signature: bytes | None = None

    def headers(self, body: bytes, seal: Seal) -> tuple[tuple[str, bytes], ...]:
        message = f"{self.id}|{self.time}|{self.webhook_id}|{zlib.crc32(body)}".encode()
        signature = self.signature
        if signature is None:
            signature = base64.b64encode(seal.sign(message))
        return (
            ("Paypal-Transmission-Id", self.id.encode("latin-1")),
            ("Paypal-Transmission-Time", self.time.encode("latin-1")),
            ("Paypal-Transmission-Sig", signature),
            ("Paypal-Cert-Url", self.address.encode("latin-1")),
            ("Paypal-Auth-Algo", self.algorithm.encode("latin-1")),
        )


def delivery(body: bytes, seal: Seal, sent: Transmission | None = None) -> Delivery:
    """A delivery as PayPal makes it."""
    headers = (sent or Transmission()).headers(body, seal)
    return Delivery(tuple((name.lower().encode(), value) for name, value in headers), body)


@cache
def a_seal(
    name: str = SANDBOX_NAME,
    other_name: str | None = None,
    *,
    began: datetime = _BEGAN,
    ends: datetime = _ENDS,
    bits: int = 2048,
) -> Seal:
    """A certificate of PayPal's name under an authority of ours; `other_name` is in the SAN."""
    authority_key, authority = _authority()
    key = _key(bits)
    leaf = _leaf(name, other_name or name, key, authority, authority_key, (began, ends))
    own = authority.public_bytes(Encoding.PEM)
    return Seal(key, leaf.public_bytes(Encoding.PEM) + own, own.decode())


@cache
def a_self_signed_seal(name: str = SANDBOX_NAME) -> Seal:
    """A certificate that nobody vouches for but itself."""
    key = _key(2048)
    leaf = _leaf(name, name, key, None, key, (_BEGAN, _ENDS))
    pem = leaf.public_bytes(Encoding.PEM)
    return Seal(key, pem, a_seal().root)


@cache
def a_strangers_seal() -> Seal:
    """A certificate of the right name, under an authority that we do not believe."""
    key, authority_key = _key(2048), _key(2048)
    authority = _root("Somebody's authority", authority_key)
    leaf = _leaf(SANDBOX_NAME, SANDBOX_NAME, key, authority, authority_key, (_BEGAN, _ENDS))
    pem = leaf.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM)
    return Seal(key, pem, a_seal().root)


def alone(seal: Seal) -> Seal:
    """The certificate without the authority's beside it."""
    first, *_ = x509.load_pem_x509_certificates(seal.chain)
    return replace(seal, chain=first.public_bytes(Encoding.PEM))


@cache
def _authority() -> tuple[RSAPrivateKey, x509.Certificate]:
    key = _key(2048)
    return key, _root("An authority of ours", key)


def _root(name: str, key: RSAPrivateKey) -> x509.Certificate:
    subject = _named(name)
    return (
        _begun(subject, subject, key, (_BEGAN, _ENDS + timedelta(days=365)))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(key, SHA256())
    )


def _leaf(
    name: str,
    other_name: str,
    key: RSAPrivateKey,
    authority: x509.Certificate | None,
    authority_key: RSAPrivateKey,
    valid: tuple[datetime, datetime],
) -> x509.Certificate:
    issuer = authority.subject if authority else _named(name)
    return (
        _begun(_named(name), issuer, key, valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(other_name)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, SHA256())
    )


def _begun(
    subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey, valid: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _named(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not is_authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _key(bits: int) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=bits)
