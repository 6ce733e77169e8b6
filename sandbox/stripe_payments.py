"""What happens to a payment at Stripe: tried, paid, left pending, failed; each with its events."""

from sandbox import stripe_shapes as shapes
from sandbox.money import share, stripe_decimal
from sandbox.payload import Payload
from sandbox.stripe_account import StripeAccount

_DECLINED = {"failure_code": "card_declined", "failure_message": "Your card was declined."}
_APPROVED = {
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def intent_of(account: StripeAccount, session: Payload) -> Payload:
    """The payment intent of a session, made when the customer first does something."""
    if session["payment_intent"]:
        return account.find("payment_intent", session["payment_intent"])
    intent = account.keep(
        shapes.intent(
            account.ids.stripe("pi"),
            account.second(),
            {"amount": session["amount_total"], "currency": session["currency"]},
            account.intended[session["id"]],
        )
    )
    session["payment_intent"] = intent["id"]
    return intent


def attempt(account: StripeAccount, intent: Payload) -> Payload:
    """One charge, whose end is not known yet."""
    charge = account.keep(
        shapes.charge(account.ids.stripe("ch"), account.second(), intent, account.ids.stripe("pm"))
    )
    intent["latest_charge"] = charge["id"]
    intent["payment_method"] = charge["payment_method"]
    return charge


def succeed(account: StripeAccount, intent: Payload, charge: Payload) -> None:
    """The money is the seller's; its balance transaction, with the fee, appears later."""
    charge.update(
        amount_captured=charge["amount"],
        captured=True,
        paid=True,
        outcome=dict(_APPROVED),
        status="succeeded",
    )
    intent.update(
        amount_received=intent["amount"],
        last_payment_error=None,
        processing=None,
        status="succeeded",
    )
    amount = stripe_decimal(charge["currency"], charge["amount"])
    account.ledger.write("in", intent["id"], "", charge["currency"], amount)
    account.emit("charge.succeeded", charge)
    account.emit("payment_intent.succeeded", intent)
    account.later(lambda: _settle(account, charge))


def decline(account: StripeAccount, intent: Payload) -> None:
    """A try that the bank refuses; another may follow."""
    fail(account, intent, attempt(account, intent))


def leave_pending(account: StripeAccount, intent: Payload) -> None:
    """A delayed method: the customer is done, the money is not there."""
    charge = attempt(account, intent)
    intent.update(status="processing", last_payment_error=None)
    account.emit("charge.pending", charge)
    account.emit("payment_intent.processing", intent)


def fail(account: StripeAccount, intent: Payload, charge: Payload) -> None:
    """The end of a charge that brought nothing."""
    charge.update(status="failed", **_DECLINED)
    error = {
        "charge": charge["id"],
        "code": "card_declined",
        "decline_code": "generic_decline",
        "message": _DECLINED["failure_message"],
        "type": "card_error",
    }
    intent.update(status="requires_payment_method", last_payment_error=error, payment_method=None)
    account.emit("charge.failed", charge)
    account.emit("payment_intent.payment_failed", intent)


def cancel(account: StripeAccount, intent: Payload) -> None:
    """The session of a payment that never succeeded is over."""
    intent.update(status="canceled", canceled_at=account.second(), cancellation_reason="automatic")
    account.emit("payment_intent.canceled", intent)


def awaited(account: StripeAccount, session: Payload) -> Payload | None:
    """The payment intent whose money is on its way; None when there is none."""
    if not session["payment_intent"]:
        return None
    intent = account.find("payment_intent", session["payment_intent"])
    return intent if intent["status"] == "processing" else None


def entered(
    account: StripeAccount, source: Payload, kind: str, amounts: tuple[int, int]
) -> Payload:
    """A balance transaction of the account: the amount and the fee."""
    return account.keep(
        shapes.balance_transaction(
            account.ids.stripe("txn"), account.second(), source, kind, amounts
        )
    )


def write_fee(account: StripeAccount, payment: str, transaction: Payload) -> None:
    """Keep what a balance transaction cost, or gave back of an earlier cost."""
    fee, currency = transaction["fee"], transaction["currency"]
    amount = stripe_decimal(currency, fee)
    account.ledger.write(
        "fee" if fee > 0 else "rebate", payment, transaction["id"], currency, amount
    )


def _settle(account: StripeAccount, charge: Payload) -> None:
    fee = share(charge["amount"], 15) + (100 if charge["currency"] == "ron" else 25)
    transaction = entered(account, charge, "charge", (charge["amount"], fee))
    charge["balance_transaction"] = transaction["id"]
    write_fee(account, charge["payment_intent"], transaction)
    account.emit("charge.updated", charge, {"balance_transaction": None})
