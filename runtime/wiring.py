"""What this process is made of, put together from the settings once and held."""

from collections.abc import Mapping
from functools import cache

from domain.errors import Refused
from gateways.capabilities import Verb
from gateways.mobilpay import MobilPay, Terms
from gateways.mobilpay_order import Page, is_live
from gateways.mobilpay_seal import private_keys, public_key
from gateways.mobilpay_soap import PATH, MobilPaySoap
from gateways.netopia import Netopia
from gateways.netopia_api import NetopiaApi
from gateways.paypal import PayPal
from gateways.paypal_api import PayPalApi
from gateways.paypal_certificates import Certificates
from gateways.port import Gateway
from gateways.stripe import Stripe
from gateways.stripe_api import StripeApi
from ledger import accounts
from ledger.store import Store
from runtime.settings import settings


@cache
def store() -> Store:
    """The database of this process; to be asked for after the fork, never before."""
    return Store(database_url())


@cache
def gateways() -> Mapping[str, Gateway]:
    """The gateways that have what they need, by name."""
    found: list[Gateway] = []
    if settings().stripe_secrets:
        found.append(
            Stripe(
                settings().stripe_account,
                settings().stripe_secrets,
                is_live=settings().stripe_is_live,
                api=_stripe_api(),
            )
        )
    if settings().paypal_webhook_id:
        found.append(_paypal(settings().paypal_webhook_id or ""))
    if settings().netopia_pos_signature or settings().netopia_public_key:
        found.append(_netopia(settings().netopia_pos_signature or ""))
    if settings().mobilpay_signature:
        found.append(_mobilpay(settings().mobilpay_signature or ""))
    return {gateway.name: gateway for gateway in found}


def able_to_refund(gateways: Mapping[str, Gateway]) -> frozenset[tuple[str, str]]:
    """Those of them, with whose account, that give money back by request."""
    able = (each for each in gateways.values() if each.capabilities.can(Verb.REFUND))
    return frozenset((each.name, each.account) for each in able)


def without_names(gateways: Mapping[str, Gateway]) -> frozenset[tuple[str, str]]:
    """Those of them, with whose account, that have no names for refunds."""
    nameless = (each for each in gateways.values() if not each.capabilities.names_refunds)
    return frozenset((each.name, each.account) for each in nameless)


def panels(gateways: Mapping[str, Gateway]) -> Mapping[str, str]:
    """Where a person gives money back by hand, by gateway."""
    return {name: each.capabilities.panel for name, each in gateways.items()}


def _stripe_api() -> StripeApi | None:
    key = settings().stripe_api_key
    return StripeApi(key.get_secret_value(), settings().stripe_api_base) if key else None


def _paypal(webhook_id: str) -> PayPal:
    is_live = settings().paypal_is_live
    certificates = Certificates(
        is_live=is_live,
        hosts=settings().paypal_certificate_hosts,
        roots=settings().paypal_cert_roots,
    )
    return PayPal(
        settings().paypal_merchant_id,
        webhook_id,
        certificates,
        is_live=is_live,
        api=_paypal_api(),
    )


def _paypal_api() -> PayPalApi | None:
    id_, secret = settings().paypal_client_id, settings().paypal_client_secret
    if id_ is None or secret is None:
        return None
    return PayPalApi(settings().paypal_api_base, id_, secret.get_secret_value())


def _netopia(pos: str) -> Netopia:
    key = settings().netopia_api_key
    notify_url = f"{settings().base_url.rstrip('/')}/webhooks/{Netopia.name}"
    base = settings().netopia_api_base
    return Netopia(
        pos,
        settings().netopia_public_key or "",
        is_live=settings().netopia_is_live,
        api=NetopiaApi(base, key.get_secret_value(), pos, notify_url) if key else None,
    )


def _mobilpay(signature: str) -> MobilPay:
    key, secret = settings().mobilpay_private_key, settings().secret_key
    certificate, url = settings().mobilpay_public_cert, settings().mobilpay_url
    terms = Terms(
        signature=signature,
        confirm_url=f"{settings().base_url.rstrip('/')}/webhooks/{MobilPay.name}",
        has_rc4=settings().mobilpay_rc4,
        has_bare_address=settings().mobilpay_bare_address,
    )
    return MobilPay(
        terms,
        private_keys(key.get_secret_value() if key else ""),
        secret.get_secret_value().strip().encode() if secret else b"",
        is_live=is_live(url),
        page=Page(url, public_key(certificate)) if certificate else None,
        soap=_mobilpay_soap(signature),
    )


def _mobilpay_soap(signature: str) -> MobilPaySoap | None:
    user, password = settings().mobilpay_api_user, settings().mobilpay_api_password
    if user is None or password is None:
        return None
    url = settings().mobilpay_api_url or f"{settings().mobilpay_url.rstrip('/')}{PATH}"
    return MobilPaySoap(url, user, password.get_secret_value(), signature)


def database_url() -> str:
    """Where the database is; Refused when the settings do not say."""
    url = settings().database_url
    if url is None:
        raise Refused("no_database", "DATABASE_URL is not set; `incasso up` starts one of its own")
    return url


def broker_url() -> str:
    """Where the broker is; Refused when the settings do not say."""
    url = settings().broker_url
    if url is None:
        raise Refused("no_broker", "BROKER_URL is not set; `incasso up` starts one of its own")
    return url


def confirm_accounts() -> None:
    """Notes whose money is booked at the first start; Refused when the settings changed since."""
    with store().transaction() as books:
        for gateway in gateways().values():
            accounts.confirm(books, gateway.name, gateway.account)
