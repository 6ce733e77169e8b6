"""A throw-away authority and the certificate it gives, with which pretend PayPal signs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNER = "messageverificationcerts.sandbox.paypal.com"

_KEY_BITS = 2048
_YESTERDAY = timedelta(days=1)
_LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Seal:
    """The key that signs, and what others need to check it. Made anew at each start."""

    id: str  # the last part of the certificate's address
    chain_pem: bytes  # the signer's certificate, then the authority's
    authority_pem: bytes
    _key: rsa.RSAPrivateKey

    def sign(self, message: bytes) -> bytes:
        """RSA PKCS#1 v1.5 over SHA-256."""
        return self._key.sign(message, padding.PKCS1v15(), SHA256())


def made(id_: str, now: datetime) -> Seal:
    """A new authority with one certificate; takes some tenths of a second."""
    authority_key, key = _new_key(), _new_key()
    issuer = _name("Incasso sandbox: throw-away authority")
    authority = (
        _begun(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(authority_key, SHA256())
    )
    leaf = (
        _begun(_name(SIGNER), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SIGNER)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, SHA256())
    )
    pem = authority.public_bytes(Encoding.PEM)
    return Seal(id_, leaf.public_bytes(Encoding.PEM) + pem, pem, key)


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _YESTERDAY)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common: str) -> x509.Name:
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
