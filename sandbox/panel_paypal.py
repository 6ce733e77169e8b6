"""PayPal's part of the panel: refunds, reversals, disputes and what is pending."""

from collections.abc import Iterator
from decimal import Decimal
from html import escape

from sandbox import page
from sandbox import paypal_orders as orders
from sandbox import paypal_returns as returns
from sandbox.money import paypal_text
from sandbox.payload import Payload
from sandbox.paypal_account import Order, PaypalAccount
from sandbox.paypal_errors import not_found
from sandbox.paypal_requests import check_amount


def articles(account: PaypalAccount) -> Iterator[str]:
    """Every order, newest first."""
    for order in reversed(account.orders.values()):
        yield (
            f'<article data-test="order-{order.id}">'
            f"<b>{escape(order.unit['amount']['value'])} {order.currency}</b>"
            f" {escape(order.unit.get('custom_id', ''))}"
            f' <span data-test="state">{order.status}</span>'
            f"<br>{page.joined(_buttons(account, order))}</article>"
        )


def act(account: PaypalAccount, id_: str, what: str, amount: Decimal | None) -> None:
    """Press a button; PaypalError when there is nothing that it could act on."""
    if id_ in account.orders and what == "reverse-approval":
        orders.reverse_approval(account, account.orders[id_])
    elif id_ in account.captures:
        _on_capture(account, account.captures[id_][1], what, amount)
    elif id_ in account.disputes:
        _on_dispute(account, account.disputes[id_], what)
    else:
        raise not_found()


def _on_capture(
    account: PaypalAccount, capture: Payload, what: str, amount: Decimal | None
) -> None:
    if amount is not None:
        currency = capture["amount"]["currency_code"]
        check_amount({"currency_code": currency, "value": str(amount)}, "/amount")
    match what:
        case "complete-pending":
            orders.complete_pending(account, capture)
        case "fail-pending":
            orders.fail_pending(account, capture)
        case "refund":
            returns.refund(account, capture, amount, {})
        case "reverse":
            returns.reverse(account, capture, amount)
        case "dispute":
            returns.open_dispute(account, capture, amount)
        case _:
            raise not_found()


def _on_dispute(account: PaypalAccount, dispute: Payload, what: str) -> None:
    match what:
        case "withdraw":
            returns.withdraw(account, dispute)
        case "win":
            returns.resolve(account, dispute, "seller")
        case "lose":
            returns.resolve(account, dispute, "buyer")
        case _:
            raise not_found()


def _buttons(account: PaypalAccount, order: Order) -> Iterator[str]:
    if order.status in ("CREATED", "PAYER_ACTION_REQUIRED"):
        yield f'<a href="{escape(orders.page_url(account, order.id))}">Pay page</a>'
    if order.status == "APPROVED":
        yield _button(account, order.id, "reverse-approval", "Reverse approval")
    for capture in order.captures:
        yield from _of_capture(account, capture)
    for refund in order.refunds:
        yield page.fact("refund", f"{refund['id']} {refund['amount']['value']} {refund['status']}")
    ids = {capture["id"] for capture in order.captures}
    for dispute in account.disputes.values():
        if dispute["disputed_transactions"][0]["seller_transaction_id"] in ids:
            yield from _of_dispute(account, dispute)


def _of_capture(account: PaypalAccount, capture: Payload) -> Iterator[str]:
    yield page.fact("capture", f"{capture['id']} {capture['status']}")
    if capture["status"] == "PENDING":
        yield _button(account, capture["id"], "complete-pending", "Complete pending")
        yield _button(account, capture["id"], "fail-pending", "Fail pending")
    left = returns.left_of(account, capture)
    if left:
        most = paypal_text(capture["amount"]["currency_code"], left)
        base = f"{account.own_url}/panel/paypal/{capture['id']}"
        yield page.amount_button(f"{base}/refund", "Refund", "refund", most)
        yield page.amount_button(f"{base}/reverse", "Reverse", "reverse", most)
        yield page.amount_button(f"{base}/dispute", "Dispute", "dispute", most)


def _of_dispute(account: PaypalAccount, dispute: Payload) -> Iterator[str]:
    id_ = dispute["dispute_id"]
    yield page.fact("dispute", f"{id_} {dispute['status']}")
    if dispute["status"] != "RESOLVED":
        if id_ not in account.reversals:
            yield _button(account, id_, "withdraw", "Withdraw funds")
        yield _button(account, id_, "win", "Win")
        yield _button(account, id_, "lose", "Lose")


def _button(account: PaypalAccount, id_: str, what: str, label: str) -> str:
    return page.button(f"{account.own_url}/panel/paypal/{id_}/{what}", label, what)
