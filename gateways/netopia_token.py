"""NETOPIA's signature: a token beside the body, which binds every byte of it.

The libraries of NETOPIA take the algorithm from the token itself, so that whoever knows the public
key can sign with it, and `none` needs no key at all. Here three algorithms of RSA are known, and a
key is only ever used for those.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha512
from hmac import compare_digest
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from domain.errors import Refused, Untrusted
from gateways import strict_json

HEADER = "verification-token"
ISSUER = "NETOPIA Payments"

_HASHES = {"RS256": SHA256(), "RS384": SHA384(), "RS512": SHA512()}
_LEAST_BITS = 1024  # what NETOPIA has given out for years

# A resend may carry the first token, and how long NETOPIA goes on is not published. What is sent
# twice is one event, so that an old token can do no more than a new one.
_OLDEST = timedelta(days=7)
_SKEW = timedelta(minutes=5)
_MILLISECONDS = 10**11  # no second of our days is as large

_LONGEST_CHARACTERS = 8192
_PART = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


def keys(pem: str) -> tuple[RSAPublicKey, ...]:
    """The public keys in a text, as keys or certificates; Refused when it has none, or another."""
    found = tuple(_key(block[1], block[0].encode()) for block in _BLOCK.finditer(pem))
    if not found:
        raise Refused(
            "no_public_key",
            "NETOPIA_PUBLIC_KEY has no public key: point NETOPIA_PUBLIC_KEY_FILE to the one of the"
            " point of sale, from its technical settings",
        )
    return found


def verify(
    token: str, body: bytes, audience: str, believed: Sequence[RSAPublicKey], now: datetime
) -> None:
    """Untrusted unless NETOPIA, for this point of sale, lately, vouches for just this body."""
    parts = token.split(".")
    if len(token) > _LONGEST_CHARACTERS or len(parts) != 3 or not all(map(_PART.fullmatch, parts)):
        raise Untrusted("the token is none")
    head, said, signature = map(_decoded, parts)
    _verify_signature(_object(head), signature, token.rpartition(".")[0].encode(), believed)
    claims = _object(said)
    if claims.get("iss") != ISSUER:
        raise Untrusted("the token is of somebody else")
    _verify_audience(claims.get("aud"), audience)
    _verify_hash(claims.get("sub"), body)
    _verify_times(claims, now)


def _key(kind: str, block: bytes) -> RSAPublicKey:
    try:
        if kind == "CERTIFICATE":
            key: object = x509.load_pem_x509_certificate(block).public_key()
        else:
            key = load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise Refused(
            "bad_public_key",
            f"NETOPIA_PUBLIC_KEY has a {kind.lower()} that is no public RSA key, nor a certificate"
            f" of one, of {_LEAST_BITS} bits or more",
        )
    return key


def _verify_signature(
    head: Mapping[str, Any], signature: bytes, signed: bytes, believed: Sequence[RSAPublicKey]
) -> None:
    """By any of the keys that are believed, and by none that the token brings along."""
    algorithm = head.get("alg")
    hash_ = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if hash_ is None or head.get("typ") != "JWT" or "crit" in head:
        raise Untrusted("the token is of no kind that is believed")
    for key in believed:
        try:
            return key.verify(signature, signed, PKCS1v15(), hash_)
        except InvalidSignature:
            continue
    raise Untrusted("the signature does not fit")


def _verify_audience(told: object, audience: str) -> None:
    """One name, or a list of them."""
    if audience not in (told if isinstance(told, list) else [told]):
        raise Untrusted("the token is for somebody else")


def _verify_hash(told: object, body: bytes) -> None:
    digest = base64.b64encode(sha512(body).digest())
    if not isinstance(told, str) or not compare_digest(told.encode("utf-8", "replace"), digest):
        raise Untrusted("the token is for another body")


def _verify_times(claims: Mapping[str, Any], now: datetime) -> None:
    """Whatever times there are: none is sure to be there."""
    oldest, earliest, latest = (
        Decimal((now + span).timestamp()) for span in (-_OLDEST, -_SKEW, _SKEW)
    )
    issued, begins, ends = (_second(claims, name) for name in ("iat", "nbf", "exp"))
    if issued is not None and issued < oldest:
        raise Untrusted("the token is too old")
    if any(each is not None and each > latest for each in (issued, begins)):
        raise Untrusted("the token is too new")
    if ends is not None and ends < earliest:
        raise Untrusted("the token has ended")


def _second(claims: Mapping[str, Any], name: str) -> Decimal | None:
    """A moment in seconds since 1970; NETOPIA's own library for PHP has milliseconds."""
    told = claims.get(name)
    if told is None:
        return None
    if type(told) is not int and not isinstance(told, Decimal):
        raise Untrusted(f"{name} is no moment")
    return Decimal(told) / 1000 if told > _MILLISECONDS else Decimal(told)


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        found = strict_json.parse(text)
    except strict_json.Malformed as error:
        raise Untrusted("a part of the token is no JSON") from error
    if not isinstance(found, dict):
        raise Untrusted("a part of the token is no object")
    return found


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise Untrusted("a part of the token is no base64") from None
