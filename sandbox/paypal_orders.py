"""PayPal's orders: made, approved by the customer on their page, captured by the merchant."""

from decimal import Decimal

from sandbox import paypal_requests as requests
from sandbox import paypal_shapes as shapes
from sandbox.money import paypal_digits
from sandbox.payload import Payload
from sandbox.paypal_account import DECLINES, PAYS, WAITS, Order, OrderStatus, PaypalAccount, plain
from sandbox.paypal_errors import invalid, refused

# What a capture can be refused with by the customer's side.
REFUSALS = (
    "INSTRUMENT_DECLINED",
    "PAYER_CANNOT_PAY",
    "TRANSACTION_REFUSED",
    "COMPLIANCE_VIOLATION",
    "PAYER_ACTION_REQUIRED",
)
OUTCOMES = (PAYS, WAITS, DECLINES, *REFUSALS)

_MOST_REFUSALS = 10


def create(account: PaypalAccount, asked: Payload) -> Order:
    """A new order; PaypalError says which field is wrong, or what PayPal does not do."""
    if asked.get("intent") != "CAPTURE":
        raise invalid("/intent")
    unit, context = requests.unit(asked), requests.context(asked)
    now = account.clock()
    status: OrderStatus = "PAYER_ACTION_REQUIRED" if context else "CREATED"
    order = Order(account.ids.paypal(), unit, context, status, now, now)
    account.orders[order.id] = order
    return order


def approve(account: PaypalAccount, order: Order, outcome: str) -> None:
    """The customer agrees; how the capture will end is part of it. No money has moved."""
    if order.status not in ("CREATED", "PAYER_ACTION_REQUIRED"):
        return
    order.outcome = outcome
    order.status, order.is_approved_once = "APPROVED", True
    order.updated = account.clock()
    account.emit(
        "CHECKOUT.ORDER.APPROVED", told(account, order), "An order has been approved by buyer"
    )


def reverse_approval(account: PaypalAccount, order: Order) -> None:
    """An approval that is undone before it was captured."""
    if order.status != "APPROVED":
        return
    order.status, order.updated = "VOIDED", account.clock()
    subject = {"order_id": order.id, "purchase_units": told(account, order)["purchase_units"]}
    account.emit("CHECKOUT.PAYMENT-APPROVAL.REVERSED", subject, "A payment approval was reversed")


def capture(account: PaypalAccount, order: Order) -> Order:
    """Take the money that was agreed to; PaypalError 422 tells why not."""
    if order.status == "COMPLETED":
        raise refused("ORDER_ALREADY_CAPTURED")
    if order.status != "APPROVED":
        raise refused("ORDER_NOT_APPROVED")
    if _is_duplicate(account, order):
        raise refused("DUPLICATE_INVOICE_ID")
    if order.outcome in REFUSALS:
        _refuse(account, order)
    statuses = {PAYS: "COMPLETED", WAITS: "PENDING", DECLINES: "DECLINED"}
    now = account.clock()
    made = shapes.capture(account.ids.paypal(), order, statuses[order.outcome], now)
    order.captures.append(made)
    account.captures[made["id"]] = (order, made)
    order.status, order.updated = "COMPLETED", now
    if made["status"] == "COMPLETED":
        _book(account, order, made)
    account.emit("CHECKOUT.ORDER.COMPLETED", told(account, order), "Checkout Order Completed")
    _tell_capture(account, made)
    return order


def complete_pending(account: PaypalAccount, made: Payload) -> None:
    """A capture that waited went well; nothing when it did not wait."""
    if made["status"] == "PENDING":
        _end_wait(account, made, "COMPLETED")
        _book(account, account.capture(made["id"])[0], made)
        _tell_capture(account, made)


def fail_pending(account: PaypalAccount, made: Payload) -> None:
    """A capture that waited came to nothing; nothing when it did not wait."""
    if made["status"] == "PENDING":
        _end_wait(account, made, "DECLINED")
        account.emit("PAYMENT.CAPTURE.DENIED", made, _summary(made, "denied"))


def told(account: PaypalAccount, order: Order) -> Payload:
    """The whole order as the API tells it."""
    return shapes.order(order, account.options.paypal_merchant_id, page_url(account, order.id))


def page_url(account: PaypalAccount, id_: str) -> str:
    """Where the customer approves."""
    return f"{account.own_url}/paypal/checkoutnow?token={id_}"


def _is_duplicate(account: PaypalAccount, order: Order) -> bool:
    invoice = order.unit.get("invoice_id")
    return invoice is not None and any(
        other.captures and other.unit.get("invoice_id") == invoice
        for other in account.orders.values()
        if other is not order
    )


def _refuse(account: PaypalAccount, order: Order) -> None:
    order.refusals += 1
    order.status, order.updated = "PAYER_ACTION_REQUIRED", account.clock()
    if order.refusals >= _MOST_REFUSALS:
        raise refused("MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED")
    raise refused(order.outcome)


def _book(account: PaypalAccount, order: Order, made: Payload) -> None:
    """A completed capture: what it brought, what it cost."""
    fee = fee_of(order.currency, order.amount)
    made["seller_receivable_breakdown"] = shapes.breakdown(order.currency, order.amount, fee)
    made["seller_protection"] = {
        "status": "ELIGIBLE",
        "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
    }
    account.ledger.write("in", made["id"], "", order.currency, order.amount)
    account.ledger.write("fee", made["id"], made["id"], order.currency, fee)


def fee_of(currency: str, gross: Decimal) -> Decimal:
    """3.4 % and a bit, and never more than all of it."""
    fixed = Decimal("0.35") if paypal_digits(currency) else Decimal(10)
    fee = Decimal(shapes.money(currency, gross * Decimal("0.034"))["value"]) + fixed
    return min(fee, gross)


def _end_wait(account: PaypalAccount, made: Payload, status: str) -> None:
    made["status"] = status
    made["update_time"] = plain(account.clock())
    del made["status_details"]


def _tell_capture(account: PaypalAccount, made: Payload) -> None:
    if made["status"] == "PENDING":
        # Told without our references, as seen in PayPal's own.
        hidden = ("custom_id", "invoice_id", "supplementary_data")
        subject = {name: value for name, value in made.items() if name not in hidden}
        account.emit("PAYMENT.CAPTURE.PENDING", subject, _summary(made, "pending"))
        return
    word = made["status"]
    account.emit(f"PAYMENT.CAPTURE.{word}", made, _summary(made, word.lower()))


def _summary(made: Payload, word: str) -> str:
    amount = made["amount"]
    return f"Payment {word} for {amount['currency_code']} {amount['value']}"
