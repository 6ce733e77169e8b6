"""Stripe's objects as its API writes them: field names and defaults, no behaviour.

Shapes of API version 2026-10-28: docs.stripe.com/api, read 2026-11-20.
"""

from sandbox.payload import Payload

_DETAILS: Payload = {
    "address": {
        "city": None,
        "country": "RO",
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    },
    "email": "ana@example.ro",
    "name": "Ana Pop",
    "phone": None,
}
_TAX: Payload = {"enabled": False, "liability": None, "provider": None, "status": None}
_UNSET = (
    "after_expiration allow_promotion_codes billing_address_collection client_secret consent"
    " consent_collection currency_conversion customer invoice payment_link recovered_from"
    " setup_intent shipping_cost subscription"
).split()


def session(id_: str, created: int, amount: int, told: Payload) -> Payload:
    """An open session; `told` is what its maker chose, and wins."""
    return {
        **dict.fromkeys(_UNSET),
        "id": id_,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": dict(_TAX),
        "created": created,
        "custom_fields": [],
        "customer_creation": "if_required",
        "customer_details": None,
        "discounts": [],
        "livemode": False,
        "mode": "payment",
        "payment_intent": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        **told,
    }


def customer() -> Payload:
    """Who pays, as a session tells it once the page was filled in."""
    return {**_DETAILS, "tax_exempt": "none", "tax_ids": []}


def intent(id_: str, created: int, money: Payload, told: Payload) -> Payload:
    """A payment intent for which nothing was tried yet."""
    return {
        "id": id_,
        "object": "payment_intent",
        "amount": money["amount"],
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "created": created,
        "currency": money["currency"],
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "payment_method": None,
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "status": "requires_payment_method",
        **told,
    }


def charge(id_: str, created: int, of: Payload, method: str) -> Payload:
    """One try of a payment intent, before its end is known."""
    return {
        "id": id_,
        "object": "charge",
        "amount": of["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": dict(_DETAILS),
        "captured": False,
        "created": created,
        "currency": of["currency"],
        "customer": None,
        "description": of["description"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": dict(of["metadata"]),
        "outcome": None,
        "paid": False,
        "payment_intent": of["id"],
        "payment_method": method,
        "receipt_email": None,
        "refunded": False,
        "status": "pending",
    }


def refund(id_: str, created: int, of: Payload, told: Payload) -> Payload:
    """Money of a charge on its way back; webhooks and API tell it alike."""
    return {
        "id": id_,
        "object": "refund",
        "balance_transaction": None,
        "charge": of["id"],
        "created": created,
        "currency": of["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
        **told,
    }


def dispute(id_: str, created: int, of: Payload, amount: int) -> Payload:
    """A bank's objection, before any money moved by it."""
    return {
        "id": id_,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": of["id"],
        "created": created,
        "currency": of["currency"],
        "evidence": {},
        "evidence_details": {
            "due_by": created + 7 * 86_400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "reason": "fraudulent",
        "status": "needs_response",
    }


def balance_transaction(
    id_: str, created: int, source: Payload, kind: str, amounts: tuple[int, int]
) -> Payload:
    """What moved on the seller's balance: the amount, below zero when it left, and the fee."""
    amount, fee = amounts
    details = [
        {
            "amount": fee,
            "application": None,
            "currency": source["currency"],
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    return {
        "id": id_,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created,
        "created": created,
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": kind,
        "source": source["id"],
        "status": "available",
        "type": kind,
    }
