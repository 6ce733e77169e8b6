"""MobilPay's seal, as PHP's `openssl_seal` makes it, and the keys at both of its ends."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

AES, RC4 = "aes-256-cbc", "rc4"

_KEY_BITS = 2048
_BLOCK_BITS = 128
_IV_BYTES = 16
_KEY_BYTES = {AES: 32, RC4: 16}
_RC4_KEY_BYTES = range(5, 33)
_YESTERDAY = timedelta(days=1)
_LIFETIME = timedelta(days=3650)


class Sealed(Exception):  # noqa: N818 - says what is so
    """It stays closed: a wrong key, cipher or field, and nobody is told which."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key, and the certificate by which others seal for its owner."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def key_pem(self) -> str:
        """What the owner alone has."""
        told = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return told.decode()

    @property
    def certificate_pem(self) -> str:
        """What the other side is given."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True, slots=True)
class Pairs:
    """MobilPay's own pair, for orders, and the seller's, for what MobilPay tells him.

    The panel hands the seller his private key out; so both are made here.
    """

    orders: Pair
    notices: Pair


def new_pairs(now: datetime) -> Pairs:
    """Two that nobody has used; takes some tenths of a second."""
    return Pairs(_new(now), _new(now))


def kept_pairs(folder: Path, now: datetime) -> Pairs:
    """Those of a folder, made where there are none: private keys are their owner's alone.

    So what is sealed for one run can be opened in the next.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Pairs(_kept(folder / "orders", now), _kept(folder / "notices", now))


def seal(text: bytes, pair: Pair, cipher: str) -> dict[str, str]:
    """The form that travels; sealed anew each time, so the same text never looks the same."""
    session_key, iv = os.urandom(_KEY_BYTES[cipher]), os.urandom(_IV_BYTES)
    public = pair.certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    closed = _rc4(text, session_key) if cipher == RC4 else _closed(text, session_key, iv)
    fields = {"env_key": public.encrypt(session_key, PKCS1v15()), "data": closed}
    if cipher == AES:
        fields["iv"] = iv
    encoded = {name: base64.b64encode(value).decode() for name, value in fields.items()}
    return {**encoded, "cipher": cipher}


def opened(fields: Mapping[str, str], pair: Pair) -> bytes:
    """What is in a form; a wrong key mostly shows only in what comes out. Sealed when it does."""
    cipher = fields.get("cipher", "").strip().lower() or RC4
    try:
        key, text, iv = (
            base64.b64decode(fields.get(name, ""), validate=True)
            for name in ("env_key", "data", "iv")
        )
        session_key = pair.key.decrypt(key, PKCS1v15())
        if cipher == AES and (len(session_key), len(iv)) == (_KEY_BYTES[AES], _IV_BYTES):
            return _opened(text, session_key, iv)
        if cipher == RC4 and len(session_key) in _RC4_KEY_BYTES:
            return _rc4(text, session_key)
    except (binascii.Error, ValueError):
        raise Sealed from None
    raise Sealed


def _closed(text: bytes, session_key: bytes, iv: bytes) -> bytes:
    padder, cipher = PKCS7(_BLOCK_BITS).padder(), Cipher(AES256(session_key), CBC(iv)).encryptor()
    return cipher.update(padder.update(text) + padder.finalize()) + cipher.finalize()


def _opened(text: bytes, session_key: bytes, iv: bytes) -> bytes:
    padder, cipher = PKCS7(_BLOCK_BITS).unpadder(), Cipher(AES256(session_key), CBC(iv)).decryptor()
    return padder.update(cipher.update(text) + cipher.finalize()) + padder.finalize()


def _rc4(text: bytes, session_key: bytes) -> bytes:
    cipher = Cipher(ARC4(session_key), mode=None).encryptor()
    return cipher.update(text) + cipher.finalize()


def _kept(path: Path, now: datetime) -> Pair:
    private, public = path.with_suffix(".key"), path.with_suffix(".cer")
    if private.exists() and public.exists():
        key = load_pem_private_key(private.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(public.read_bytes())
        # Not a pair after a death between the two.
        if isinstance(key, rsa.RSAPrivateKey) and key.public_key() == certificate.public_key():
            return Pair(key, certificate)
    pair = _new(now)
    private.unlink(missing_ok=True)
    private.touch(mode=0o600)
    private.write_text(pair.key_pem)
    public.write_text(pair.certificate_pem)
    return pair


def _new(now: datetime) -> Pair:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Incasso sandbox: MobilPay")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _YESTERDAY)
        .not_valid_after(now + _LIFETIME)
        .sign(key, SHA256())
    )
    return Pair(key, certificate)
