"""What becomes of an order at MobilPay: the customer's buttons, the seller's, and the bank's.

Each act answers the notice that tells of it, or None where nothing happened. An action is an
attempt, and its code the result: a decline is `confirmed` with another code than 0.
"""

from datetime import timedelta
from decimal import Decimal

from sandbox.mobilpay_account import MobilpayAccount, Order
from sandbox.mobilpay_errors import MobilpayError
from sandbox.mobilpay_notices import Action, Notice
from sandbox.mobilpay_order import Asked

_A_SECOND = timedelta(seconds=1)
DECLINES, SUSPECTED, PAID_BEFORE = 20, 36, 56


def begin(account: MobilpayAccount, asked: Asked) -> tuple[Order, Notice | None]:
    """A customer comes with an order: a new one, or one that still waits for his card.

    MobilpayError 56 when its id is used up otherwise; 99 when it asked for something else before.
    """
    order = account.orders.get(asked.id)
    if order is None:
        return account.add(asked), None
    if (asked.amount, asked.currency) != (order.asked.amount, order.asked.currency):
        raise MobilpayError(99, "the order was over another amount")
    if order.state in ("authorised", "paid"):
        return order, account.noted(order, _attempt(order), PAID_BEFORE, Decimal(0))
    if order.state in ("cancelled", "expired"):
        raise MobilpayError(PAID_BEFORE, "the order is closed")
    return order, None


def pay(account: MobilpayAccount, order: Order) -> Notice | None:
    """The card is charged at once."""
    return _take(account, order, order.asked.amount) if _tries(account, order) else None


def authorise(account: MobilpayAccount, order: Order) -> Notice | None:
    """The amount is held on the card, and no money moves before it is captured."""
    if not _tries(account, order):
        return None
    order.is_hold = True
    return _hold(account, order)


def decline(account: MobilpayAccount, order: Order) -> Notice | None:
    """The bank refuses; the customer may try again."""
    return _refuse(account, order, DECLINES) if _tries(account, order) else None


def leave_pending(
    account: MobilpayAccount, order: Order, *, is_hold: bool = False
) -> Notice | None:
    """Somebody looks first whether it is fraud."""
    if not _tries(account, order):
        return None
    order.state, order.is_hold = "pending", is_hold
    action: Action = "paid_pending" if is_hold else "confirmed_pending"
    return account.noted(order, action, 0, order.asked.amount)


def complete_pending(account: MobilpayAccount, order: Order) -> Notice | None:
    """It was none."""
    if order.state != "pending":
        return None
    return _hold(account, order) if order.is_hold else _take(account, order, order.asked.amount)


def fail_pending(account: MobilpayAccount, order: Order) -> Notice | None:
    """It was, or may have been; with another card the customer may still pay."""
    return _refuse(account, order, SUSPECTED) if order.state == "pending" else None


def capture(account: MobilpayAccount, order: Order, amount: Decimal | None) -> Notice:
    """The seller takes what is held, or a part of it; None is all. The rest is let go."""
    if order.state != "authorised":
        raise MobilpayError(52)
    wanted = order.asked.amount if amount is None else amount
    if wanted > order.asked.amount:
        raise MobilpayError(55)
    return _take(account, order, wanted)


def cancel(account: MobilpayAccount, order: Order) -> Notice:
    """The seller lets go what is held."""
    if order.state != "authorised":
        raise MobilpayError(51)
    order.state = "cancelled"
    return account.noted(order, "canceled", 0, order.asked.amount)


def expire(order: Order) -> Notice | None:
    """Nobody pays here any more, and nobody is told; nothing when something was paid or waits."""
    if order.state == "open":
        order.state = "expired"
    return None  # no notice of such a thing is documented


def credit(account: MobilpayAccount, order: Order, amount: Decimal | None) -> Notice:
    """The seller gives back a part, or with None the rest; the same again goes out again."""
    if order.state != "paid":
        raise MobilpayError(53)
    wanted = order.left if amount is None else amount
    if not 0 < wanted <= order.left:
        raise MobilpayError(54)
    order.refunds.append(wanted)
    item = f"credit-{len(order.refunds)}"
    account.ledger.write("out", order.purchase, item, order.asked.currency, wanted)
    is_minus = account.knobs.happens("minus")
    if is_minus:
        account.knobs.count("minus")
    return account.noted(order, "credit", 0, -wanted if is_minus else wanted)


def tell_again(account: MobilpayAccount, order: Order) -> Notice:
    """The last notice as of another instant: the same thing, or a second one like it?"""
    if not order.notices:
        raise MobilpayError(48, "nothing was told yet")
    known = account.notices[order.notices[-1]]
    at = max(account.clock(), known.at + _A_SECOND)  # which is as fine as it is told
    return account.noted(order, known.action, known.code, known.processed, at)


def _tries(account: MobilpayAccount, order: Order) -> bool:
    """Whether the customer may try now; after a refusal it may be a purchase of its own."""
    if order.state != "open":
        return False
    if order.code and account.knobs.happens("new_purchase"):
        account.knobs.count("new_purchase")
        order.purchase = account.ids.purchase()
    order.code, order.is_hold = 0, False
    return True


def _take(account: MobilpayAccount, order: Order, amount: Decimal) -> Notice:
    order.state, order.captured = "paid", amount
    account.ledger.write("in", order.purchase, "", order.asked.currency, amount)
    return account.noted(order, "confirmed", 0, amount)


def _hold(account: MobilpayAccount, order: Order) -> Notice:
    order.state = "authorised"
    return account.noted(order, "paid", 0, order.asked.amount)


def _refuse(account: MobilpayAccount, order: Order, code: int) -> Notice:
    order.state, order.code = "open", code
    return account.noted(order, _attempt(order), code, order.asked.amount)


def _attempt(order: Order) -> Action:
    return "paid" if order.is_hold else "confirmed"
