"""MobilPay's part of the panel: captures, refunds, and a notice told once more."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from html import escape

from sandbox import mobilpay_pages, page
from sandbox import mobilpay_payments as payments
from sandbox.mobilpay_account import MobilpayAccount, Order
from sandbox.mobilpay_errors import MobilpayError
from sandbox.mobilpay_notices import Notice


def articles(account: MobilpayAccount) -> Iterator[str]:
    """Every order, newest first."""
    for order in reversed(account.orders.values()):
        yield (
            f'<article data-test="order-{escape(order.asked.id)}">'
            f"<b>{order.asked.amount:.2f} {order.asked.currency}</b> {escape(order.asked.id)}"
            f' <span data-test="state">{order.state}</span>'
            f"<br>{page.joined(_buttons(account, order))}</article>"
        )


def act(account: MobilpayAccount, id_: str, what: str, amount: Decimal | None) -> None:
    """Press a button; MobilpayError when there is nothing that it could act on."""
    if amount is not None and amount != round(amount, 2):
        raise MobilpayError(32, "two decimals at most")
    if what not in _ACTS:
        raise MobilpayError(48, "there is no such button")
    notice = _ACTS[what](account, account.order(id_), amount)
    if notice is not None:
        account.tell(notice)


_ACTS: dict[str, Callable[[MobilpayAccount, Order, Decimal | None], Notice | None]] = {
    "complete-pending": lambda account, order, _: payments.complete_pending(account, order),
    "fail-pending": lambda account, order, _: payments.fail_pending(account, order),
    "capture": payments.capture,
    "cancel": lambda account, order, _: payments.cancel(account, order),
    "refund": payments.credit,
    "tell-again": lambda account, order, _: payments.tell_again(account, order),
    "expire": lambda _, order, __: payments.expire(order),
}


def _buttons(account: MobilpayAccount, order: Order) -> Iterator[str]:
    base = f"{account.own_url}/panel/mobilpay/{order.asked.id}"
    if order.state == "open":
        yield f'<a href="{escape(mobilpay_pages.page_url(account, order))}">Pay page</a>'
        yield page.button(f"{base}/expire", "Expire", "expire")
    if order.state == "pending":
        yield page.button(f"{base}/complete-pending", "Complete pending", "complete-pending")
        yield page.button(f"{base}/fail-pending", "Fail pending", "fail-pending")
    if order.state == "authorised":
        most = f"{order.asked.amount:.2f}"
        yield page.amount_button(f"{base}/capture", "Capture", "capture", most)
        yield page.button(f"{base}/cancel", "Cancel", "cancel")
    if order.left:
        yield page.amount_button(f"{base}/refund", "Refund", "refund", f"{order.left:.2f}")
    if order.notices:
        yield page.button(f"{base}/tell-again", "Tell again", "tell-again")
    for refund in order.refunds:
        yield page.fact("refund", f"{refund:.2f}")
