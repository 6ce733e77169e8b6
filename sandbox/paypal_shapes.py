"""PayPal's objects as its API writes them: field names and links, no behaviour."""

from datetime import datetime
from decimal import Decimal

from sandbox.money import paypal_text
from sandbox.payload import Payload
from sandbox.paypal_account import LINKS, Order, fine, link, pacific, plain

_NAMED = ("reference_id", "custom_id", "invoice_id", "description")
PAYER = {
    "email_address": "ana@example.ro",
    "payer_id": "QYR5Z8XDVJNXQ",
    "name": {"given_name": "Ana", "surname": "Pop"},
    "address": {"country_code": "RO"},
}


def money(currency: str, amount: Decimal) -> Payload:
    """An amount as text, with the currency's own decimals."""
    return {"currency_code": currency, "value": paypal_text(currency, amount)}


def order_summary(order: Order, page: str) -> Payload:
    """What a new order is answered with: where it is, and where the customer goes."""
    rel = "payer-action" if order.context else "approve"
    own = f"{LINKS}/v2/checkout/orders/{order.id}"
    return {
        "id": order.id,
        "status": order.status,
        **({"payment_source": {"paypal": {}}} if order.context else {}),
        "links": [link(own, "self", "GET"), link(page, rel, "GET")],
    }


def order(order_: Order, merchant_id: str, page: str) -> Payload:
    """The whole order, with the payments that were made by it."""
    own = f"{LINKS}/v2/checkout/orders/{order_.id}"
    links = [link(own, "self", "GET")]
    if order_.status == "APPROVED":
        links.append(link(f"{own}/capture", "capture", "POST"))
    elif order_.status in ("CREATED", "PAYER_ACTION_REQUIRED"):
        links.append(order_summary(order_, page)["links"][1])
    return {
        "id": order_.id,
        "intent": "CAPTURE",
        "status": order_.status,
        "create_time": plain(order_.created),
        "update_time": plain(order_.updated),
        **(_paid_by() if order_.is_approved_once else {}),
        "purchase_units": [_unit(order_, merchant_id)],
        "links": links,
    }


def capture(id_: str, order_: Order, status: str, now: datetime) -> Payload:
    """One capture of an order; what it brought is told once it is completed."""
    own = f"{LINKS}/v2/payments/captures/{id_}"
    made: Payload = {
        "id": id_,
        "amount": dict(order_.unit["amount"]),
        "final_capture": True,
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        **{name: order_.unit[name] for name in ("custom_id", "invoice_id") if name in order_.unit},
        "status": status,
        "supplementary_data": {"related_ids": {"order_id": order_.id}},
        "create_time": plain(now),
        "update_time": plain(now),
        "links": [
            link(own, "self", "GET"),
            link(f"{own}/refund", "refund", "POST"),
            link(f"{LINKS}/v2/checkout/orders/{order_.id}", "up", "GET"),
        ],
    }
    if status == "PENDING":
        made["status_details"] = {"reason": "PENDING_REVIEW"}
    return made


def breakdown(currency: str, gross: Decimal, fee: Decimal) -> Payload:
    """What a completed capture brought the seller."""
    return {
        "gross_amount": money(currency, gross),
        "paypal_fee": money(currency, fee),
        "net_amount": money(currency, gross - fee),
    }


def refund(
    id_: str, of: Payload, amounts: tuple[Decimal, Decimal, Decimal], now: datetime
) -> Payload:
    """Money of a capture on its way back: this amount, the fee given back, all so far."""
    amount, fee, total = amounts
    currency = of["amount"]["currency_code"]
    return {
        "id": id_,
        "amount": money(currency, amount),
        "seller_payable_breakdown": {
            **breakdown(currency, amount, fee),
            "total_refunded_amount": money(currency, total),
        },
        "status": "COMPLETED",
        "create_time": pacific(now),
        "update_time": pacific(now),
        "links": [
            link(f"{LINKS}/v2/payments/refunds/{id_}", "self", "GET"),
            link(f"{LINKS}/v2/payments/captures/{of['id']}", "up", "GET"),
        ],
    }


def dispute(id_: str, of: Payload, amount: Decimal, merchant_id: str, now: datetime) -> Payload:
    """A customer's objection to a capture; it moves no money by itself."""
    currency = of["amount"]["currency_code"]
    transaction = {
        "seller_transaction_id": of["id"],
        "custom": of.get("custom_id"),
        "invoice_number": of.get("invoice_id"),
        "create_time": of["create_time"],
        "transaction_status": "COMPLETED",
        "gross_amount": dict(of["amount"]),
        "buyer": {"name": "Ana Pop"},
        "seller": {"merchant_id": merchant_id, "name": "Sandbox merchant"},
        "items": [],
        "seller_protection_eligible": True,
    }
    return {
        "dispute_id": id_,
        "create_time": fine(now),
        "update_time": fine(now),
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": "OPEN",
        "dispute_amount": money(currency, amount),
        "dispute_life_cycle_stage": "INQUIRY",
        "dispute_channel": "INTERNAL",
        "disputed_transactions": [
            {name: value for name, value in transaction.items() if value is not None}
        ],
        "messages": [{"posted_by": "BUYER", "time_posted": fine(now), "content": "Not received"}],
        "links": [link(f"{LINKS}/v1/customer/disputes/{id_}", "self", "GET")],
    }


def _unit(order_: Order, merchant_id: str) -> Payload:
    unit = {name: order_.unit[name] for name in _NAMED if name in order_.unit}
    unit["amount"] = dict(order_.unit["amount"])
    unit["payee"] = {"email_address": "merchant@example.ro", "merchant_id": merchant_id}
    made = {"captures": order_.captures, "refunds": order_.refunds}
    payments = {
        name: [_without(each, "supplementary_data") for each in listed]
        for name, listed in made.items()
        if listed
    }
    return {**unit, "payments": payments} if payments else unit


def _without(payload: Payload, name: str) -> Payload:
    return {key: value for key, value in payload.items() if key != name}


def _paid_by() -> Payload:
    account = {
        **_without(PAYER, "payer_id"),
        "account_id": PAYER["payer_id"],
        "account_status": "VERIFIED",
    }
    return {"payer": dict(PAYER), "payment_source": {"paypal": account}}
