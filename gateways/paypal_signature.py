"""PayPal's signature: what it covers, which is little of the body, and how old it may be.

It covers a checksum of the body that anybody can hit with another body. So it proves that PayPal
sent something under this transmission id, and what the body says is only a hint.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from domain.errors import Untrusted
from gateways import paypal_fields as fields
from gateways.port import Delivery

# Resends span three days and may carry the first instant, so no window of minutes will do.
_OLDEST = timedelta(days=4)
_NEWEST = timedelta(minutes=5)
_ALGORITHM = "SHA256withRSA"
_LONGEST_CHARACTERS = 2048
_TRANSMISSION_ID = re.compile(r"[A-Za-z0-9-]{1,128}", re.ASCII)  # never a bar: see `verify`

_ID, _TIME, _SIGNATURE, _ADDRESS, _ALGO = (
    f"paypal-{name}"
    for name in (
        *("transmission-id", "transmission-time", "transmission-sig"),
        *("cert-url", "auth-algo"),
    )
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What PayPal sends to be believed; `sent_at` is the text that was signed."""

    transmission_id: str
    sent_at: str
    signature: bytes
    address: str
    headers: Mapping[str, str]


def proof(delivery: Delivery, now: datetime) -> Proof:
    """The proof of a delivery; Untrusted when it could not hold whatever the key."""
    headers = {
        name: delivery.only(name.encode()) for name in (_ID, _TIME, _SIGNATURE, _ADDRESS, _ALGO)
    }
    if headers[_ALGO] != _ALGORITHM:
        raise Untrusted("the algorithm is none that is believed")
    if not _TRANSMISSION_ID.fullmatch(headers[_ID]):
        raise Untrusted("the transmission id is none")
    sent_at = fields.moment(headers[_TIME])
    if sent_at is None or not now - _OLDEST <= sent_at <= now + _NEWEST:
        raise Untrusted("the transmission time is too old, too new, or none")
    return Proof(
        transmission_id=headers[_ID],
        sent_at=headers[_TIME],
        signature=_decoded(headers[_SIGNATURE]),
        address=headers[_ADDRESS],
        headers=headers,
    )


def verify(proof_: Proof, webhook_id: str, body: bytes, key: RSAPublicKey) -> None:
    """Untrusted unless the owner of the key sent this transmission to this webhook.

    No part has a bar in it, so the message can be taken apart in one way only.
    """
    message = f"{proof_.transmission_id}|{proof_.sent_at}|{webhook_id}|{zlib.crc32(body)}"
    try:
        key.verify(proof_.signature, message.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise Untrusted("the signature does not fit") from None


def _decoded(text: str) -> bytes:
    if not 1 <= len(text) <= _LONGEST_CHARACTERS:
        raise Untrusted("the signature is empty, or far too long")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Untrusted("the signature is no base64") from None
