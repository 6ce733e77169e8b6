"""Deliveries as gateways send them, and the pen that signs them."""

import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateways.port import Delivery

SECRET = "whsec_test_secret"
SIGNED_AT = 1_795_213_171


def stripe_body(name: str, **changes: Any) -> bytes:
    """A Stripe event, printed as Stripe prints it; changes are to the event itself."""
    text = (Path(__file__).parent / "stripe" / f"{name}.json").read_bytes()
    return pretty({**json.loads(text), **changes}) if changes else text


def stripe_object(name: str, **changes: Any) -> bytes:
    """A Stripe event whose object is changed."""
    event = json.loads(stripe_body(name))
    event["data"]["object"] |= changes
    return pretty(event)


def paypal_body(name: str, resource: Mapping[str, Any] | None = None, **changes: Any) -> bytes:
    """A PayPal event as it is sent; `resource` changes its resource, the rest the event itself."""
    text = (Path(__file__).parent / "paypal" / f"{name}.json").read_bytes()
    if not resource and not changes:
        return text
    event = json.loads(text)
    event["resource"] |= resource or {}
    return json.dumps({**event, **changes}).encode()


def netopia_body(payment: Mapping[str, Any] | None = None, **changes: Any) -> bytes:
    """A notice of NETOPIA's; `payment` changes its payment, the rest the notice itself."""
    text = (Path(__file__).parent / "netopia" / "paid.json").read_bytes()
    if not payment and not changes:
        return text
    told = json.loads(text)
    told["payment"] |= payment or {}
    return json.dumps({**told, **changes}).encode()


def pretty(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, indent=2).encode()


def stripe_signature(body: bytes, secret: str = SECRET, at: int | str = SIGNED_AT) -> str:
    """The v1 signature of a body, in hexadecimal."""
    return hmac.new(secret.encode(), str(at).encode() + b"." + body, "sha256").hexdigest()


def stripe_header(body: bytes, *secrets: str, at: int | str = SIGNED_AT) -> bytes:
    """The header Stripe sends: one signature per active secret."""
    signatures = (stripe_signature(body, secret, at) for secret in secrets or (SECRET,))
    return ",".join((f"t={at}", *(f"v1={each}" for each in signatures))).encode()


def delivery(body: bytes, *headers: bytes) -> Delivery:
    """A delivery with these values of the signature header."""
    other = ((b"host", b"pay.example"), (b"content-type", b"application/json; charset=utf-8"))
    return Delivery((*other, *((b"stripe-signature", value) for value in headers)), body)
