"""NETOPIA's part of the panel: refunds, chargebacks, what is pending and what has expired."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from html import escape

from sandbox import netopia_payments as payments
from sandbox import netopia_returns as returns
from sandbox import page
from sandbox.netopia_account import OPEN, WAITING, NetopiaAccount, Payment, Status
from sandbox.netopia_errors import unknown

Pressed = Callable[[NetopiaAccount, Payment, Decimal | None], None]

_LABELS = {
    "complete-pending": "Complete pending",
    "fail-pending": "Fail pending",
    "expire": "Expire",
    "win": "Contest",
    "lose": "Lose",
    "reverse": "Reverse",
}


def articles(account: NetopiaAccount) -> Iterator[str]:
    """Every payment, newest first."""
    account.expire_due()
    for payment in reversed(account.payments.values()):
        yield (
            f'<article data-test="payment-{payment.ntp_id}">'
            f"<b>{payment.amount} {payment.currency}</b> {escape(payment.order_id)}"
            f' <span data-test="state">{int(payment.status)} {payment.status.name.lower()}</span>'
            f"<br>{page.joined(_buttons(account, payment))}</article>"
        )


def act(account: NetopiaAccount, id_: str, what: str, amount: Decimal | None) -> None:
    """Press a button; NetopiaError when there is nothing that it could act on."""
    pressed = _BUTTONS.get(what)
    if pressed is None:
        raise unknown()
    pressed(account, account.payment(id_), amount)


def _buttons(account: NetopiaAccount, payment: Payment) -> Iterator[str]:
    base = f"{account.own_url}/panel/netopia/{payment.ntp_id}"
    yield page.fact("payment", payment.ntp_id)
    if payment.status in OPEN:
        yield f'<a href="{escape(payments.page_url(account, payment))}">Pay page</a> '
    left = returns.left_of(payment)
    if left:
        yield page.amount_button(f"{base}/refund", "Refund", "refund", str(left))
        yield page.button(f"{base}/dispute", "Dispute", "dispute")
    for amount in payment.refunded:
        yield page.fact("refund", f"{amount} {payment.currency}")
    for name in _ways(payment):
        yield page.button(f"{base}/{name}", _LABELS[name], name)


def _ways(payment: Payment) -> tuple[str, ...]:
    if payment.status in OPEN:
        return ("expire",)
    if payment.status in WAITING:
        return ("complete-pending", "fail-pending")
    ways = {
        Status.CHARGEBACK: ("win", "lose"),
        Status.REPRESENTMENT: ("lose",),
        Status.CHARGEBACK_ACCEPTED: ("reverse",),
    }
    return ways.get(payment.status, ())


def _refund(account: NetopiaAccount, payment: Payment, amount: Decimal | None) -> None:
    wanted = None if amount is None else payments.checked(amount, "amount", payments.CENT)
    returns.refund(account, payment, wanted, "panel")


_BUTTONS: dict[str, Pressed] = {
    "complete-pending": lambda it, of, _: payments.complete_pending(it, of),
    "fail-pending": lambda it, of, _: payments.fail_pending(it, of),
    "expire": lambda it, of, _: payments.expire(it, of),
    "refund": _refund,
    "dispute": returns.dispute,
    # To contest is all that is known of winning: what a won chargeback is told by is not published.
    "win": lambda it, of, _: returns.contest(it, of),
    "lose": lambda it, of, _: returns.lose(it, of),
    "reverse": lambda it, of, _: returns.reverse(it, of),
}
