"""Stripe's signature: which bytes it covers, and how old it may be."""

import hmac
from collections.abc import Sequence
from datetime import datetime

from domain.errors import Untrusted

_TOLERANCE_SECONDS = 300
_MOST_SIGNATURES = 10
_MOST_HEADER_CHARACTERS = 2048


def verify(header: str, body: bytes, keys: Sequence[bytes], now: datetime) -> None:
    """Untrusted unless one of the keys signed the body at most five minutes off our clock."""
    signed_at, signatures = _signature_parts(header)
    if abs(now.timestamp() - int(signed_at)) > _TOLERANCE_SECONDS:
        raise Untrusted("the signature is too old or too new")
    message = b"%b.%b" % (signed_at.encode(), body)
    for key in keys:
        expected = hmac.digest(key, message, "sha256").hex()
        for signature in signatures:
            if hmac.compare_digest(expected, signature):
                return
    raise Untrusted("no signature fits")


def _signature_parts(header: str) -> tuple[str, list[str]]:
    """The instant as it was signed, and every v1 signature; any other scheme proves nothing."""
    if len(header) > _MOST_HEADER_CHARACTERS:
        raise Untrusted("the signature header is too long")
    parts = [part.partition("=") for part in header.split(",")]
    instants = [value for scheme, _, value in parts if scheme == "t"]
    signatures = [value for scheme, _, value in parts if scheme == "v1"]
    if len(instants) != 1 or not (instants[0].isdigit() and len(instants[0]) <= 12):
        raise Untrusted("the signature names no instant")
    if not 1 <= len(signatures) <= _MOST_SIGNATURES:
        raise Untrusted("the signature header has no signature, or far too many")
    return instants[0], signatures
