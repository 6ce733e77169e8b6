"""What somebody posts who is not the gateway: right but for the one thing that proves it."""

import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cli.simulation.pretence import Pretence
from runtime.settings import settings
from sandbox import (
    delivery,
    mobilpay_gateway,
    netopia_gateway,
    netopia_signing,
    paypal_certificates,
    paypal_signing,
)
from sandbox.delivery import Judge


@dataclass(frozen=True, slots=True)
class Forged:
    """A delivery to the address that ends so; `judge` is how the gateway reads our answer."""

    path: str
    kind: str
    headers: Mapping[str, str]
    body: bytes
    judge: Judge


def forged(far: Pretence, order_id: str, amount: str, currency: str, now: datetime) -> Forged:
    """A payment of an order that was never made."""
    makers: Mapping[str, Callable[..., Forged]] = {
        "paypal": _paypal,
        "netopia": _netopia,
        "mobilpay": _mobilpay,
    }
    return makers[far.name](far, {"order": order_id, "amount": amount, "currency": currency}, now)


def _paypal(far: Pretence, told: Mapping[str, str], now: datetime) -> Forged:
    """Signed by a key that PayPal's certificate is not about."""
    capture = {
        "id": secrets.token_hex(8).upper(),
        "status": "COMPLETED",
        "custom_id": told["order"],
        "amount": {"value": told["amount"], "currency_code": told["currency"]},
    }
    kind = "PAYMENT.CAPTURE.COMPLETED"
    body = _json({"id": f"WH-{secrets.token_hex(8)}", "event_type": kind, "resource": capture})
    seal = paypal_certificates.made("FORGED", now, paypal_certificates.new_authority(now))
    sent = (secrets.token_hex(16), now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    webhook = settings().paypal_webhook_id or ""
    headers = paypal_signing.headers(body, sent, webhook, seal, far.told()["cert_url"])
    return Forged("paypal", kind, headers, body, delivery.by_status)


def _netopia(far: Pretence, told: Mapping[str, str], now: datetime) -> Forged:
    """With a token of a key that is not NETOPIA's."""
    money = {"amount": float(told["amount"]), "currency": told["currency"]}
    payment = {"ntpID": str(secrets.randbelow(10**7)), "status": 3, **money}
    body = _json({"order": {"orderID": told["order"]}, "payment": payment})
    pos = settings().netopia_pos_signature or ""
    key = netopia_signing.new_key()
    token = netopia_signing.token(body, pos, int(now.timestamp()), key)
    headers = {"Content-Type": "application/json", "Verification-token": token}
    return Forged("netopia", "status 3", headers, body, netopia_gateway.judged)


def _mobilpay(far: Pretence, told: Mapping[str, str], now: datetime) -> Forged:
    """At an address whose secret is none of ours; what is sealed there is never opened."""
    sealed = {name: b64encode(secrets.token_bytes(256)).decode() for name in ("env_key", "data")}
    body = urlencode(sealed | {"cipher": "aes-256-cbc"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    path = f"mobilpay/{secrets.token_urlsafe(24)}.{secrets.token_urlsafe(16)}"
    return Forged(path, "confirmed", headers, body, mobilpay_gateway.judged)


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told).encode()
