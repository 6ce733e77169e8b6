"""The three events in which Stripe tells of one payment, as its API writes them.

Shapes of API version 2026-10-28: docs.stripe.com/api/events/types, read 2026-11-20.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import Refused

_API_VERSION = "2026-10-28.endive"
# Where Stripe's smallest unit is not that of ISO 4217. docs.stripe.com/currencies, read 2026-11-20.
_TIMES = {"ISK": 100, "UGX": 100}
_DIVIDED_BY = {"MGA": 100}

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment: an amount in minor units of ISO 4217, for an invoice, at a Unix second."""

    invoice: str
    currency: str
    amount_minor: int
    at_second: int


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it goes over the wire, byte for byte."""

    id: str
    kind: str
    body: str


@dataclass(frozen=True, slots=True)
class Sisters:
    """The events of one payment, in the order in which Stripe makes them."""

    payment_intent: str
    events: tuple[Event, ...]


def of(paid: Paid, fresh: Callable[[], str]) -> Sisters:
    """The three events of a payment; `fresh` answers a random name of 24 letters and digits."""
    intent, charge = f"pi_3{fresh()}", f"ch_3{fresh()}"
    method = f"pm_1{fresh()}"
    metadata = {"invoice_id": paid.invoice}
    money = {"currency": paid.currency.lower(), "livemode": False, "metadata": metadata}
    minor = _stripe_minor(paid)
    told = {
        "charge.succeeded": _charge(charge, minor, fresh, payment_intent=intent)
        | {"payment_method": method, "created": paid.at_second - 1}
        | money,
        "payment_intent.succeeded": _intent(intent, minor, latest_charge=charge)
        | {"payment_method": method, "created": paid.at_second - 9}
        | money,
        "checkout.session.completed": _session(f"cs_test_a1{fresh()}", minor, intent)
        | {"client_reference_id": paid.invoice, "created": paid.at_second - 60}
        | {"expires_at": paid.at_second + 86_340}
        | money,
    }
    return Sisters(
        payment_intent=intent,
        events=tuple(
            _event(f"evt_3{fresh()}", kind, paid.at_second, subject, f"req_{fresh()[:14]}")
            for kind, subject in told.items()
        ),
    )


def _event(id_: str, kind: str, created: int, subject: Payload, request: str) -> Event:
    event = {
        "id": id_,
        "object": "event",
        "api_version": _API_VERSION,
        "created": created,
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": request, "idempotency_key": None},
        "type": kind,
    }
    return Event(id_, kind, json.dumps(event, indent=2))


def _stripe_minor(paid: Paid) -> int:
    times, parts = _TIMES.get(paid.currency, 1), _DIVIDED_BY.get(paid.currency, 1)
    minor, rest = divmod(paid.amount_minor * times, parts)
    if rest:
        raise Refused("malformed_amount", f"Stripe takes {paid.currency} in whole units")
    return minor


def _person() -> dict[str, Any]:
    address = dict.fromkeys(("city", "line1", "line2", "postal_code", "state"))
    return {
        "address": address | {"country": "RO"},
        "email": "ana@example.com",
        "name": "Ana Popescu",
        "phone": None,
    }


def _charge(
    id_: str, minor: int, fresh: Callable[[], str], *, payment_intent: str
) -> dict[str, Any]:
    return {
        "id": id_,
        "object": "charge",
        "amount": minor,
        "amount_captured": minor,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": _person() | {"tax_id": None},
        "calculated_statement_descriptor": "ATELIERUL DEMO",
        "captured": True,
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "on_behalf_of": None,
        "outcome": _approved(),
        "paid": True,
        "payment_intent": payment_intent,
        "payment_method_details": {"card": _card(fresh()[:16]), "type": "card"},
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": "https://pay.stripe.com/receipts/payment/test",
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _approved() -> dict[str, Any]:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 24,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def _card(fingerprint: str) -> dict[str, Any]:
    return {
        "brand": "visa",
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "RO",
        "exp_month": 12,
        "exp_year": 2030,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": fingerprint,
        "funding": "credit",
        "installments": None,
        "last4": "4242",
        "mandate": None,
        "network": "visa",
        "three_d_secure": None,
        "wallet": None,
    }


def _intent(id_: str, minor: int, *, latest_charge: str) -> dict[str, Any]:
    return {
        "id": id_,
        "object": "payment_intent",
        "amount": minor,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": minor,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": None,
        "confirmation_method": "automatic",
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": latest_charge,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _session(id_: str, minor: int, payment_intent: str) -> dict[str, Any]:
    return {
        "id": id_,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": minor,
        "amount_total": minor,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": "https://merchant.example/pay/cancel",
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "customer": None,
        "customer_creation": "if_required",
        "customer_details": _person() | {"tax_exempt": "none", "tax_ids": []},
        "customer_email": None,
        "discounts": [],
        "invoice": None,
        "invoice_creation": None,
        "locale": "ro",
        "mode": "payment",
        "payment_intent": payment_intent,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "complete",
        "submit_type": None,
        "subscription": None,
        "success_url": "https://merchant.example/pay/ok?session_id={CHECKOUT_SESSION_ID}",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": None,
    }
