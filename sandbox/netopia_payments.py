"""Payments at pretend NETOPIA: how they are started, and what a customer can make of them."""

from decimal import Decimal
from typing import Any, Literal

from sandbox.netopia_account import OPEN, RATE, WAITING, NetopiaAccount, Payment, Status
from sandbox.netopia_errors import invalid, open_already
from sandbox.payload import Payload

Choice = Literal["pay", "decline", "leave-pending", "leave-in-review", "ask-3ds", "fail-at-bank"]

_CURRENCIES = ("RON", "EUR", "USD", "GBP")
CENT, _LEAST, _MOST = Decimal("0.01"), Decimal("0.10"), Decimal(99_999)
_LONGEST_ID = 64

_OUTCOMES: dict[Choice, Status] = {
    "decline": Status.DECLINED,
    "leave-pending": Status.PENDING,
    "leave-in-review": Status.FRAUD_REVIEW,
    "ask-3ds": Status.SECURE_ASKED,
    "fail-at-bank": Status.ERROR,
}


def start(account: NetopiaAccount, asked: Payload) -> Payment:
    """A payment with a page; NetopiaError for an order id that was there before.

    One that is not in lei is told in lei where the knob `in_lei` says so.
    """
    order, config = _part(asked, "order"), _part(asked, "config")
    if order.get("posSignature") != account.options.netopia_pos:
        raise invalid("order.posSignature")
    order_id, currency = order.get("orderID"), order.get("currency")
    if not isinstance(order_id, str) or not 1 <= len(order_id) <= _LONGEST_ID:
        raise invalid("order.orderID")
    if currency not in _CURRENCIES:
        raise invalid("order.currency")
    amount = checked(order.get("amount"), "order.amount")
    for name in ("notifyUrl", "redirectUrl"):
        if not isinstance(config.get(name), str) or not config[name]:
            raise invalid(f"config.{name}")
    for known in account.payments.values():
        if known.order_id == order_id:
            is_same = (known.amount, known.currency) == (amount, currency)
            raise open_already(is_same=is_same)
    return _kept(account, order, config, amount)


def checked(amount: Any, field: str, least: Decimal = _LEAST) -> Decimal:
    """An amount that NETOPIA takes, in whole units; NetopiaError for any other."""
    if type(amount) is not int and not isinstance(amount, Decimal):
        raise invalid(field)
    told = Decimal(amount)
    if not least <= told <= _MOST or told != round(told, 2):
        raise invalid(field)
    return round(told, 2)


def choose(account: NetopiaAccount, payment: Payment, choice: Choice) -> None:
    """The customer presses a button; nothing happens where there is nothing to pay any more."""
    if payment.status not in OPEN:
        return
    if choice == "pay":
        _pay(account, payment)
    else:
        account.move(payment, _OUTCOMES[choice])


def complete_pending(account: NetopiaAccount, payment: Payment) -> None:
    """What was waited for comes to good."""
    if payment.status in WAITING:
        _pay(account, payment)


def fail_pending(account: NetopiaAccount, payment: Payment) -> None:
    """What was waited for comes to nothing; the customer may try again on the same page."""
    if payment.status in WAITING:
        account.move(payment, Status.DECLINED)


def expire(account: NetopiaAccount, payment: Payment) -> None:
    """Its time is over."""
    if payment.status in OPEN:
        account.move(payment, Status.EXPIRED)


def page_url(account: NetopiaAccount, payment: Payment) -> str:
    """Where the customer is to be sent."""
    return f"{account.own_url}/netopia/ui/card?p={payment.page}"


def _pay(account: NetopiaAccount, payment: Payment) -> None:
    """Paid now, and confirmed a while later, unless something else has become of it by then."""
    money = payment.told(payment.amount)
    account.ledger.write("in", payment.ntp_id, "", payment.told_currency, money)
    account.move(payment, Status.PAID)

    def confirm() -> None:
        if payment.status is Status.PAID:
            account.move(payment, Status.CONFIRMED)

    account.site.later(account.options.settle_seconds, confirm)


def _kept(account: NetopiaAccount, order: Payload, config: Payload, amount: Decimal) -> Payment:
    currency = str(order["currency"])
    is_in_lei = currency != "RON" and account.knobs.happens("in_lei")
    if is_in_lei:
        account.knobs.count("in_lei")
    ntp_id, now = account.ids.ntp(), account.clock()
    payment = Payment(
        ntp_id=ntp_id,
        page=account.ids.netopia_page(),
        order=order,
        config=config,
        amount=amount,
        currency=currency,
        told_currency="RON" if is_in_lei else currency,
        rate=RATE if is_in_lei else Decimal(1),
        created=now,
        moved_at=now,
    )
    account.payments[ntp_id] = payment
    return payment


def _part(asked: Payload, name: str) -> Payload:
    part = asked.get(name)
    if not isinstance(part, dict):
        raise invalid(name)
    return part
