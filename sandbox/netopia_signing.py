"""NETOPIA's token beside each notice, written from its description: RS512 over the body's hash."""

import base64
import json
from hashlib import sha512
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_HEAD = {"typ": "JWT", "alg": "RS512"}
_ISSUER = "NETOPIA Payments"


def new_key() -> rsa.RSAPrivateKey:
    """One that nobody but its maker believes."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def kept_key(file: Path) -> rsa.RSAPrivateKey:
    """The one whose public half is in the file, and which lies beside it; made where there is none.

    So a sandbox that starts again is believed by whoever believed it before.
    """
    beside = file.with_name(f"{file.name}.key")
    if beside.exists():
        kept = load_pem_private_key(beside.read_bytes(), password=None)
        if isinstance(kept, rsa.RSAPrivateKey):
            file.write_bytes(public_pem(kept))
            return kept
    key = new_key()
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    beside.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.write_bytes(public_pem(key))
    return key


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """What the technical settings of a point of sale show."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def token(body: bytes, audience: str | list[str], second: int, key: rsa.RSAPrivateKey) -> str:
    """A token of that second, without an end, which binds each byte of the body."""
    claims = {
        "iss": _ISSUER,
        "aud": audience,
        "sub": base64.b64encode(sha512(body).digest()).decode(),
        "iat": second,
        "nbf": second,
    }
    signed = ".".join(_part(json.dumps(each).encode()) for each in (_HEAD, claims))
    return f"{signed}.{_part(key.sign(signed.encode(), padding.PKCS1v15(), SHA512()))}"


def _part(said: bytes) -> str:
    return base64.urlsafe_b64encode(said).rstrip(b"=").decode()
