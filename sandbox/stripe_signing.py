"""Stripe's signature, written from its description; the tests hold it against Stripe's package."""

import hmac
from collections.abc import Sequence


def headers(body: bytes, secrets: Sequence[str], second: int) -> dict[str, str]:
    """The headers of one delivery: one v1 for each secret that is active."""
    message = b"%d.%b" % (second, body)
    signatures = [
        f"v1={hmac.digest(secret.encode(), message, 'sha256').hex()}" for secret in secrets
    ]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": ",".join([f"t={second}", *signatures]),
    }
