"""The secret in the address that MobilPay tells us at: one per attempt, which nobody else can make.

MobilPay's seal proves no sender. Only we and MobilPay know this address, which travels sealed; so
what comes to it is MobilPay's, as far as it is about the attempt, amount and currency it was made
over. It says these itself, under an HMAC, so that it is checked without a database, and before any
private key is touched.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from domain.errors import Untrusted
from domain.money import EXPONENTS, MOST_MINOR, Money
from gateways.port import Claim

_LONGEST = 255
_MAC_BYTES = 16


def secret(key: bytes, claim: Claim) -> str:
    """The secret for an attempt: letters, digits, `-`, `_` and one point."""
    told = "\n".join((claim.order_id, str(claim.money.minor), claim.money.currency)).encode()
    return f"{_text(told)}.{_text(_mac(key, told))}"


def verify(key: bytes, text: str) -> None:
    """Untrusted unless we made this secret."""
    if len(text) > _LONGEST or not text.isascii():
        raise Untrusted("the address is none of ours")
    told, _, mac = text.partition(".")
    if not hmac.compare_digest(_text(_mac(key, _bytes(told))).encode(), mac.encode()):
        raise Untrusted("the address is none of ours")


def claim(text: str) -> Claim:
    """What a secret was made over, of one that was verified; Untrusted where it is none."""
    try:
        order_id, minor, currency = _bytes(text.partition(".")[0]).decode().split("\n")
        money = Money(currency, int(minor))
    except ValueError:
        raise Untrusted("the address says nothing") from None
    if currency not in EXPONENTS or not 0 < money.minor <= MOST_MINOR:
        raise Untrusted("the address says nothing")
    return Claim(order_id, money)


def _mac(key: bytes, told: bytes) -> bytes:
    return hmac.digest(key, b"incasso mobilpay address\n" + told, "sha256")[:_MAC_BYTES]


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise Untrusted("the address is none of ours") from None
