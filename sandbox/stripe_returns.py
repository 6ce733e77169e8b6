"""Money that goes back at Stripe: refunds, and disputes with what the bank takes and returns."""

from sandbox import stripe_params as given
from sandbox import stripe_payments as payments
from sandbox import stripe_shapes as shapes
from sandbox.ledger import Move
from sandbox.money import stripe_decimal
from sandbox.payload import Payload
from sandbox.stripe_account import StripeAccount
from sandbox.stripe_errors import bad_param, missing, missing_param, not_now

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_DISPUTE_FEE_MINOR = 7500


def create_refund(account: StripeAccount, params: Payload) -> Payload:
    """Give back all that is left of a charge, or the amount named."""
    given.only(params, "payment_intent", "charge", "amount", "reason", "metadata", "expand")
    charge = _charge(account, params)
    reason = given.text(params, "reason")
    if reason is not None and reason not in _REASONS:
        raise bad_param("reason", f"Invalid reason: must be one of {', '.join(_REASONS)}")
    amount = given.whole(params, "amount")
    told = {"reason": reason, "metadata": given.metadata(params)}
    return refund(account, charge, amount, told)


def refund(account: StripeAccount, charge: Payload, amount: int | None, told: Payload) -> Payload:
    """One refund, done at once; an amount of None is the whole rest."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left <= 0:
        code = "charge_already_refunded"
        raise not_now(f"Charge {charge['id']} has already been refunded.", code)
    wanted = left if amount is None else amount
    if wanted < 1:
        raise bad_param("amount", "Invalid positive integer")
    if wanted > left:
        raise not_now(
            f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})"
        )
    made = account.keep(
        shapes.refund(
            account.ids.stripe("re"), account.second(), charge, {"amount": wanted, **told}
        )
    )
    made["balance_transaction"] = payments.entered(account, made, "refund", (-wanted, 0))["id"]
    _write(account, "out", made, made["id"], wanted)
    account.emit("refund.created", made)
    _refunded(account, charge, wanted)
    return made


def fail_refund(account: StripeAccount, refund_: Payload) -> None:
    """A refund that the customer's bank sent back: the seller has the money again."""
    if refund_["status"] != "succeeded":
        return
    refund_.update(status="failed", failure_reason="expired_or_canceled_card")
    returned = payments.entered(account, refund_, "refund_failure", (refund_["amount"], 0))
    refund_["failure_balance_transaction"] = returned["id"]
    _write(account, "back", refund_, refund_["id"], refund_["amount"])
    account.emit("refund.updated", refund_, {"status": "succeeded"})
    account.emit("refund.failed", refund_)
    _refunded(account, account.find("charge", refund_["charge"]), -refund_["amount"])


def open_dispute(account: StripeAccount, charge: Payload, amount: int | None) -> Payload:
    """A bank objects; no money moves by that. An amount of None is the whole charge."""
    wanted = charge["amount"] if amount is None else amount
    if not 1 <= wanted <= charge["amount_captured"]:
        raise bad_param("amount", "a dispute is about a part of what was captured, or all of it")
    made = account.keep(shapes.dispute(account.ids.stripe("du"), account.second(), charge, wanted))
    charge["disputed"] = True
    account.emit("charge.dispute.created", made)
    return made


def withdraw(account: StripeAccount, dispute: Payload) -> None:
    """The bank takes the money, and Stripe its fee; once."""
    if dispute["balance_transactions"] or dispute["status"] in ("won", "lost"):
        return
    _moved(account, dispute, "out", -1)
    account.emit("charge.dispute.funds_withdrawn", dispute)


def win(account: StripeAccount, dispute: Payload) -> None:
    """The seller was right: what was taken comes back, with the fee."""
    if dispute["status"] in ("won", "lost"):
        return
    dispute["status"] = "won"
    if dispute["balance_transactions"]:
        _moved(account, dispute, "back", 1)
        account.emit("charge.dispute.funds_reinstated", dispute)
    account.emit("charge.dispute.closed", dispute)


def lose(account: StripeAccount, dispute: Payload) -> None:
    """The customer was right: what was taken stays taken."""
    if dispute["status"] in ("won", "lost"):
        return
    withdraw(account, dispute)
    dispute["status"] = "lost"
    account.emit("charge.dispute.closed", dispute)


def _moved(account: StripeAccount, dispute: Payload, move: Move, sign: int) -> None:
    amounts = (sign * dispute["amount"], -sign * _DISPUTE_FEE_MINOR)
    transaction = payments.entered(account, dispute, "adjustment", amounts)
    dispute["balance_transactions"].append(transaction)
    item = f"{dispute['id']}/{transaction['id']}"
    _write(account, move, dispute, item, dispute["amount"])
    payments.write_fee(account, dispute["payment_intent"], transaction)


def _write(account: StripeAccount, move: Move, of: Payload, item: str, minor: int) -> None:
    amount = stripe_decimal(of["currency"], minor)
    account.ledger.write(move, of["payment_intent"], item, of["currency"], amount)


def _refunded(account: StripeAccount, charge: Payload, minor: int) -> None:
    before = charge["amount_refunded"]
    charge["amount_refunded"] = before + minor
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    kind = "charge.refunded" if minor > 0 else "charge.updated"
    account.emit(kind, charge, {"amount_refunded": before})


def _charge(account: StripeAccount, params: Payload) -> Payload:
    named = given.text(params, "charge")
    if named is None:
        intent_id = given.text(params, "payment_intent")
        if intent_id is None:
            raise missing_param("payment_intent")
        named = account.find("payment_intent", intent_id)["latest_charge"]
    charge = account.known(named) if named else None
    if charge is None or charge["object"] != "charge":
        raise missing("charge", str(named))
    if not charge["captured"]:
        raise not_now("This PaymentIntent does not have a successful charge to refund.")
    return charge
