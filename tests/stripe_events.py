"""Deliveries as Stripe makes them: the sister events of one payment, and their signature."""

import json
from collections.abc import Iterator

import stripe

from runtime import clock

SECRET = "whsec_test_secret"


def sisters(reference: str, amount_minor: int, invoice: str) -> Iterator[bytes]:
    """The three events that tell of one payment: session, payment intent and charge."""
    shared = {
        "currency": "ron",
        "livemode": False,
        "metadata": {"invoice_id": invoice},
    }
    intent, charge = f"pi_{reference}", f"ch_{reference}"
    yield event(
        f"evt_{reference}_s",
        "checkout.session.completed",
        {
            **shared,
            "id": f"cs_test_{reference}",
            "object": "checkout.session",
            "mode": "payment",
            "payment_status": "paid",
            "payment_intent": intent,
            "amount_total": amount_minor,
            "client_reference_id": invoice,
        },
    )
    yield event(
        f"evt_{reference}_p",
        "payment_intent.succeeded",
        {
            **shared,
            "id": intent,
            "object": "payment_intent",
            "amount": amount_minor,
            "amount_received": amount_minor,
            "latest_charge": charge,
            "status": "succeeded",
        },
    )
    yield event(
        f"evt_{reference}_c",
        "charge.succeeded",
        {
            **shared,
            "id": charge,
            "object": "charge",
            "amount": amount_minor,
            "amount_captured": amount_minor,
            "captured": True,
            "payment_intent": intent,
            "status": "succeeded",
        },
    )


def event(id_: str, kind: str, subject: dict[str, object]) -> bytes:
    """One event, pretty-printed as Stripe does, so that parsing and dumping changes its bytes."""
    envelope = {
        "id": id_,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(clock.now().timestamp()),
        "livemode": False,
        "type": kind,
        "data": {"object": subject},
    }
    return json.dumps(envelope, indent=2).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery."""
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret)
    return {"content-type": "application/json", "stripe-signature": header}
