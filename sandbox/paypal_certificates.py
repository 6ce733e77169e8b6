"""A throw-away authority and the certificate it gives, with which pretend PayPal signs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNER = "messageverificationcerts.sandbox.paypal.com"

_KEY_BITS = 2048
_YESTERDAY = timedelta(days=1)
_LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Authority:
    """Who vouches for the signer; it has a longer life than any sandbox."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)


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


def new_authority(now: datetime) -> Authority:
    """One that nobody but its maker believes."""
    key, name = _new_key(), _name("Incasso sandbox: throw-away authority")
    certificate = (
        _begun(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(key, SHA256())
    )
    return Authority(certificate, key)


def kept_authority(file: Path, now: datetime) -> Authority:
    """The one whose certificate is in the file, and its key beside it; made where there is none.

    So a sandbox that starts again is believed by whoever believed it before.
    """
    beside = file.with_name(f"{file.name}.key")
    if file.exists() and beside.exists():
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        key = load_pem_private_key(beside.read_bytes(), password=None)
        is_pair = key.public_key() == certificate.public_key()  # not after a death between the two
        lasts = certificate.not_valid_after_utc > now + _LIFETIME
        if isinstance(key, rsa.RSAPrivateKey) and is_pair and lasts:
            return Authority(certificate, key)
    authority = new_authority(now)
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    beside.write_bytes(
        authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    file.write_bytes(authority.pem)
    return authority


def made(id_: str, now: datetime, authority: Authority) -> Seal:
    """A new certificate of the authority's; takes some tenths of a second."""
    key = _new_key()
    leaf = (
        _begun(_name(SIGNER), authority.certificate.subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SIGNER)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, SHA256())
    )
    chain = leaf.public_bytes(Encoding.PEM) + authority.pem
    return Seal(id_, chain, authority.pem, key)


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: datetime
) -> x509.CertificateBuilder:
    lifetime = _LIFETIME if subject != issuer else 10 * _LIFETIME
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _YESTERDAY)
        .not_valid_after(now + lifetime)
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
