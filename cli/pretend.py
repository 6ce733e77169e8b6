"""Pretend gateways beside a run: those that nobody has given keys for."""

import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli import keys
from cli.ports import listen
from runtime import clock
from runtime.settings import Settings

WISHED_PORT = 8450
WEBHOOK_ID = "5AN0B0X000000WH1D"
SIGNATURE = "SAND-BOXM-OBIL-PAY1-POSX"
MOBILPAY_USER = "sandbox-api"
POS = "SAND-BOXP-OINT-OFSA-LE00"


@dataclass(frozen=True, slots=True)
class Pretended:
    """What the sandbox is told; `authority` is whose word counts for PayPal's signature.

    `mobilpay_keys` is the folder of MobilPay's keys and of ours for its notices, `netopia_key_file`
    has the public half of what NETOPIA signs with.
    """

    webhooks: str
    stripe_key: str
    stripe_secrets: Sequence[str]
    paypal_client_id: str
    paypal_client_secret: str
    authority: Path
    mobilpay_keys: Path
    mobilpay_password: str
    netopia_api_key: str
    netopia_key_file: Path


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox at `url`, and what our processes need to know to take it for the real thing."""

    url: str
    told: Pretended
    variables: Mapping[str, str]


def plan(local: Path, given: Settings, url: str, web: str) -> Sandbox | None:
    """The sandbox for the gateways without keys; None where each has its own.

    Whoever set a webhook secret of Stripe's by himself expects the real one, key or no key: his
    payments are unknown here.
    """
    missing = _without_keys(given)
    if not missing:
        return None
    told = Pretended(
        webhooks=f"{web}/webhooks",
        stripe_key=f"sk_test_{secrets.token_hex(12)}",
        stripe_secrets=given.stripe_secrets,
        paypal_client_id="sandbox",
        paypal_client_secret=secrets.token_hex(12),
        authority=_authority(local),
        mobilpay_keys=local / "sandbox-mobilpay",
        mobilpay_password=secrets.token_hex(12),
        netopia_api_key=secrets.token_hex(24),
        netopia_key_file=local / "sandbox-netopia.pem",
    )
    variables: dict[str, str] = {}
    if "stripe" in missing:
        variables |= _stripe(told, url)
    if "paypal" in missing:
        variables |= _paypal(told, url)
    if "mobilpay" in missing:
        variables |= _mobilpay(told, url)
    if "netopia" in missing:
        variables |= _netopia(told, url)
    return Sandbox(url, told, variables)


@contextmanager
def door(given: Settings) -> Iterator[socket.socket | None]:
    """Where the sandbox will listen; None where there is nothing to pretend."""
    if not _without_keys(given):
        yield None
        return
    with listen(WISHED_PORT) as listening:
        yield listening


def _without_keys(given: Settings) -> frozenset[str]:
    found = {
        "stripe": given.stripe_api_key is None and keys.is_made_up(given, "STRIPE_WEBHOOK_SECRETS"),
        "paypal": given.paypal_client_id is None and given.paypal_webhook_id is None,
        "mobilpay": given.mobilpay_signature is None,
        "netopia": (given.netopia_api_key, given.netopia_public_key, given.netopia_pos_signature)
        == (None, None, None),
    }
    return frozenset(name for name, is_pretended in found.items() if is_pretended)


def _stripe(told: Pretended, url: str) -> Mapping[str, str]:
    return {"STRIPE_API_KEY": told.stripe_key, "STRIPE_API_BASE": f"{url}/stripe"}


def _authority(local: Path) -> Path:
    """Made up at the first start: our processes ask whose word counts before a sandbox runs."""
    from sandbox import paypal_certificates

    path = local / "sandbox-authority.pem"
    paypal_certificates.kept_authority(path, clock.now())
    return path


def _paypal(told: Pretended, url: str) -> Mapping[str, str]:
    return {
        "PAYPAL_API_BASE": f"{url}/paypal",
        "PAYPAL_CLIENT_ID": told.paypal_client_id,
        "PAYPAL_CLIENT_SECRET": told.paypal_client_secret,
        "PAYPAL_WEBHOOK_ID": WEBHOOK_ID,
        "PAYPAL_CERT_HOSTS": url,
        "PAYPAL_CERT_ROOTS_FILE": str(told.authority),
    }


def _mobilpay(told: Pretended, url: str) -> Mapping[str, str]:
    """Both keys are made at the first start, as the real panel would hand them out."""
    from sandbox import mobilpay_seal

    mobilpay_seal.kept_pairs(told.mobilpay_keys, clock.now())
    return {
        "MOBILPAY_SIGNATURE": SIGNATURE,
        "MOBILPAY_URL": f"{url}/mobilpay",
        "MOBILPAY_PUBLIC_CERT_FILE": str(told.mobilpay_keys / "orders.cer"),
        "MOBILPAY_PRIVATE_KEY_FILE": str(told.mobilpay_keys / "notices.key"),
        "MOBILPAY_API_USER": MOBILPAY_USER,
        "MOBILPAY_API_PASSWORD": told.mobilpay_password,
    }


def _netopia(told: Pretended, url: str) -> Mapping[str, str]:
    """The key is made at the first start, as the technical settings show its public half."""
    from sandbox import netopia_signing

    netopia_signing.kept_key(told.netopia_key_file)
    return {
        "NETOPIA_API_BASE": f"{url}/netopia",
        "NETOPIA_API_KEY": told.netopia_api_key,
        "NETOPIA_POS_SIGNATURE": POS,
        "NETOPIA_PUBLIC_KEY_FILE": str(told.netopia_key_file),
    }
