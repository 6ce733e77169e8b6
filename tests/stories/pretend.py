"""The pretend gateways beside a plant: how it is pointed at them, and both sides' sums."""

from collections import defaultdict
from decimal import Decimal

from domain.money import Money, decimal_text
from sandbox import netopia_signing
from sandbox.ledger import Row
from sandbox.running import Running
from tests.desk import Desk

Sums = dict[tuple[str, str, str], Decimal]


def settings(sandbox: Running) -> dict[str, str]:
    """What its processes are started with."""
    return {
        "STRIPE_API_KEY": "sk_test_sandbox",
        "STRIPE_API_BASE": f"{sandbox.url}/stripe",
        "PAYPAL_WEBHOOK_ID": sandbox.world.options.paypal_webhook_id,
        "PAYPAL_MERCHANT_ID": sandbox.world.options.paypal_merchant_id,
        "PAYPAL_CLIENT_ID": sandbox.world.options.paypal_client_id,
        "PAYPAL_CLIENT_SECRET": sandbox.world.options.paypal_client_secret,
        "PAYPAL_API_BASE": f"{sandbox.url}/paypal",
        "PAYPAL_CERT_HOSTS": sandbox.url,
        "PAYPAL_CERT_ROOTS": sandbox.world.paypal.seal.authority_pem.decode(),
        **_netopia(sandbox),
        **_mobilpay(sandbox),
    }


def _netopia(sandbox: Running) -> dict[str, str]:
    told, key = sandbox.world.options, sandbox.ask(lambda world: world.netopia.key)
    return {
        "NETOPIA_API_KEY": told.netopia_api_key,
        "NETOPIA_POS_SIGNATURE": told.netopia_pos,
        "NETOPIA_PUBLIC_KEY": netopia_signing.public_pem(key).decode(),
        "NETOPIA_API_BASE": f"{sandbox.url}/netopia",
    }


def _mobilpay(sandbox: Running) -> dict[str, str]:
    told, pairs = sandbox.world.options, sandbox.ask(lambda world: world.mobilpay.pairs)
    return {
        "MOBILPAY_SIGNATURE": told.mobilpay_signature,
        "MOBILPAY_PRIVATE_KEY": pairs.notices.key_pem,
        "MOBILPAY_PUBLIC_CERT": pairs.orders.certificate_pem,
        "MOBILPAY_URL": f"{sandbox.url}/mobilpay",
        "MOBILPAY_API_USER": told.mobilpay_user,
        "MOBILPAY_API_PASSWORD": told.mobilpay_password,
    }


def mobilpay(sandbox: Running, base_url: str) -> dict[str, str]:
    """What it takes for MobilPay, which tells at the address that its orders name."""
    options = sandbox.world.options
    pairs = sandbox.ask(lambda world: world.mobilpay.pairs)
    return {
        "BASE_URL": base_url,
        "MOBILPAY_SIGNATURE": options.mobilpay_signature,
        "MOBILPAY_PRIVATE_KEY": pairs.notices.key_pem,
        "MOBILPAY_PUBLIC_CERT": pairs.orders.certificate_pem,
        "MOBILPAY_URL": f"{sandbox.url}/mobilpay",
        "MOBILPAY_API_USER": options.mobilpay_user,
        "MOBILPAY_API_PASSWORD": options.mobilpay_password,
    }


def booked(desk: Desk) -> Sums:
    """By payment, currency and side: what our books say has moved."""
    sums: Sums = defaultdict(Decimal)
    rows = desk.query(
        "SELECT reference, move, currency, amount_minor FROM facts WHERE status = 'succeeded'"
    )
    for reference, move, currency, minor in rows:
        amount = Decimal(decimal_text(Money(currency, minor)))
        sums[reference, currency, _side(move)] += _sign(move) * amount
    return dict(sums)


def at_gateways(sandbox: Running) -> Sums:
    """The same, as the gateways' own ledgers have it, without what no gateway tells."""
    sums: Sums = defaultdict(Decimal)
    everywhere = sandbox.ask(lambda world: list(world.gateways))
    unheard = untold(sandbox)
    for row in (row for name in everywhere for row in sandbox.rows(name) if row not in unheard):
        sums[row.reference, row.currency, _side(row.move)] += _sign(row.move) * row.amount
    return dict(sums)


def untold(sandbox: Running) -> list[Row]:
    """What was given back at NETOPIA's panel, of which the amount is told to nobody."""
    return [row for row in sandbox.rows("netopia") if row.item.startswith("refund-panel")]


def is_level(desk: Desk, sandbox: Running) -> bool:
    """Whether nothing waits to be settled or done, and both sides say the same."""
    return is_idle(desk) and booked(desk) == at_gateways(sandbox)


def is_idle(desk: Desk) -> bool:
    """Whether nothing waits to be settled or done."""
    waiting = desk.query(
        "SELECT (SELECT count(*) FROM inbox WHERE state IN ('received', 'parked')),"
        " (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'claimed')"
        " AND effect <> 'letter')"
    )
    return waiting == [(0, 0)]


def _side(move: str) -> str:
    return "fees" if move in ("fee", "rebate") else "money"


def _sign(move: str) -> int:
    return -1 if move in ("out", "rebate") else 1
