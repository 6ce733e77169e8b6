"""MobilPay's seal: a random key under RSA, and what it closes under AES or, for old accounts, RC4.

It is PHP's `openssl_seal`. It hides what is said and proves nobody: whoever has the public half of
a key can seal. A wrong key, or a touched byte, mostly shows only in what comes out, so whoever
opens asks whether that makes sense, and answers every failure alike.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from domain.errors import Refused, Untrusted

AES = "aes-256-cbc"
RC4 = "rc4"

_BLOCK_BITS = 128
_KEY_BYTES, _IV_BYTES = 32, 16
_RC4_KEY_BYTES = range(5, 33)
_OUR_RC4_KEY_BYTES = 16  # as PHP makes it
_PRIVATE_KEYS = re.compile(
    r"-----BEGIN ((?:RSA )?PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL | re.ASCII
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What travels; `iv` is empty for RC4."""

    cipher: str
    key: bytes
    iv: bytes
    text: bytes


def opened(sealed: Sealed, keys: Sequence[RSAPrivateKey]) -> Iterator[bytes]:
    """What comes out with each of our keys that anything comes out with; it may be noise."""
    for key in keys:
        try:
            session_key = key.decrypt(sealed.key, PKCS1v15())
            yield _unciphered(sealed, session_key)
        except ValueError:
            continue  # a wrong length, key or padding


def seal(text: bytes, key: RSAPublicKey, cipher: str) -> Sealed:
    """Closes a text for the owner of a key, with AES, or with RC4 where nothing else is spoken."""
    if cipher == RC4:
        session_key = secrets.token_bytes(_OUR_RC4_KEY_BYTES)
        return Sealed(RC4, key.encrypt(session_key, PKCS1v15()), b"", _rc4(text, session_key))
    session_key, iv = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_IV_BYTES)
    padder = PKCS7(_BLOCK_BITS).padder()
    closer = Cipher(AES256(session_key), CBC(iv)).encryptor()
    padded = padder.update(text) + padder.finalize()
    closed = closer.update(padded) + closer.finalize()
    return Sealed(AES, key.encrypt(session_key, PKCS1v15()), iv, closed)


def private_keys(pem: str) -> tuple[RSAPrivateKey, ...]:
    """The keys of a file, one after the other: several while one is being replaced."""
    blocks = [found[0].encode() for found in _PRIVATE_KEYS.finditer(pem)]
    try:
        keys = tuple(load_pem_private_key(block, password=None) for block in blocks)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        keys = ()
    found = tuple(key for key in keys if isinstance(key, RSAPrivateKey))
    if not found or len(found) < len(keys):
        raise Refused("no_private_key", "MOBILPAY_PRIVATE_KEY has no RSA private key in PEM form")
    return found


def public_key(pem: str) -> RSAPublicKey:
    """The key to seal for MobilPay with, out of its certificate or bare."""
    try:
        if "BEGIN CERTIFICATE" in pem:
            key = load_pem_x509_certificate(pem.encode()).public_key()
        else:
            key = load_pem_public_key(pem.encode())  # type: ignore[assignment]  # narrowed below
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise Refused("no_public_cert", "MOBILPAY_PUBLIC_CERT has no RSA certificate in PEM form")
    return key


def _unciphered(sealed: Sealed, session_key: bytes) -> bytes:
    """Raises ValueError where the key or the padding cannot be right."""
    match sealed.cipher:
        case "aes-256-cbc":
            return _unciphered_aes(sealed, session_key)
        case "rc4":
            return _unciphered_rc4(sealed, session_key)
        case _:
            raise Untrusted("the cipher is none that is believed")


def _unciphered_aes(sealed: Sealed, session_key: bytes) -> bytes:
    if len(session_key) != _KEY_BYTES or len(sealed.iv) != _IV_BYTES:
        raise ValueError("no key or iv of AES")
    cipher = Cipher(AES256(session_key), CBC(sealed.iv)).decryptor()
    padder = PKCS7(_BLOCK_BITS).unpadder()
    padded = cipher.update(sealed.text) + cipher.finalize()
    return padder.update(padded) + padder.finalize()


def _unciphered_rc4(sealed: Sealed, session_key: bytes) -> bytes:
    if len(session_key) not in _RC4_KEY_BYTES:
        raise ValueError("no key of RC4")
    return _rc4(sealed.text, session_key)


def _rc4(text: bytes, session_key: bytes) -> bytes:
    """Both ways: what it closes, it opens."""
    cipher = Cipher(ARC4(session_key), mode=None).encryptor()
    return cipher.update(text) + cipher.finalize()
