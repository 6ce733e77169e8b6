"""Money that goes back at PayPal: refunds, reversals, and disputes, which move none themselves.

How a reversal is undone after a dispute is won is not documented to us: here its refund becomes
CANCELLED, which the documented statuses have, and the resolved dispute makes one look.
"""

from decimal import Decimal
from typing import Literal

from sandbox import paypal_shapes as shapes
from sandbox.money import paypal_text
from sandbox.payload import Payload
from sandbox.paypal_account import Order, PaypalAccount, fine, pacific, plain
from sandbox.paypal_errors import invalid, refused
from sandbox.paypal_requests import check_amount

_SHARE = Decimal("0.034")  # the part of the fee that PayPal gives back with a refund

Winner = Literal["seller", "buyer"]


def create_refund(account: PaypalAccount, capture: Payload, asked: Payload) -> Payload:
    """Give back what is asked for, or all that is left; PaypalError tells why not."""
    amount = None
    if "amount" in asked:
        check_amount(asked["amount"], "/amount")
        if asked["amount"]["currency_code"] != capture["amount"]["currency_code"]:
            raise refused("REFUND_CAPTURE_CURRENCY_MISMATCH")
        amount = Decimal(asked["amount"]["value"])
    named = {}
    for name in ("custom_id", "invoice_id", "note_to_payer"):
        value = asked.get(name, capture.get(name))
        if value is not None:
            if not isinstance(value, str):
                raise invalid(f"/{name}")
            named[name] = value
    return refund(account, capture, amount, named)


def refund(
    account: PaypalAccount, capture: Payload, amount: Decimal | None, named: Payload
) -> Payload:
    """One refund by the merchant, done at once; an amount of None is the whole rest."""
    wanted = _rest(account, capture, amount)
    currency = capture["amount"]["currency_code"]
    fee = Decimal(paypal_text(currency, wanted * _SHARE))
    made = _taken(account, capture, (wanted, fee), named)
    account.emit("PAYMENT.CAPTURE.REFUNDED", made, _summary(made, "refunded"))
    return made


def reverse(account: PaypalAccount, capture: Payload, amount: Decimal | None) -> Payload:
    """PayPal takes money back by itself, a part or the whole rest; it returns no fee."""
    wanted = _rest(account, capture, amount)
    made = _taken(account, capture, (wanted, Decimal(0)), {"note_to_payer": "Payment reversed"})
    account.emit("PAYMENT.CAPTURE.REVERSED", made, _summary(made, "reversed"))
    return made


def open_dispute(account: PaypalAccount, capture: Payload, amount: Decimal | None) -> Payload:
    """A customer objects; no money moves by that."""
    wanted = _rest(account, capture, amount)
    made = shapes.dispute(
        account.ids.dispute(), capture, wanted, account.options.paypal_merchant_id, account.clock()
    )
    account.disputes[made["dispute_id"]] = made
    account.emit(
        "CUSTOMER.DISPUTE.CREATED",
        made,
        f"A new dispute opened with Case # {made['dispute_id']}",
    )
    return made


def withdraw(account: PaypalAccount, dispute: Payload) -> None:
    """PayPal takes the disputed money while the dispute goes on; once."""
    if dispute["status"] == "RESOLVED" or dispute["dispute_id"] in account.reversals:
        return
    capture = _disputed(account, dispute)
    left = left_of(account, capture)
    amount = min(Decimal(dispute["dispute_amount"]["value"]), left)
    if amount:
        account.reversals[dispute["dispute_id"]] = reverse(account, capture, amount)["id"]
    dispute.update(
        status="UNDER_REVIEW",
        dispute_life_cycle_stage="CHARGEBACK",
        update_time=fine(account.clock()),
    )
    account.emit("CUSTOMER.DISPUTE.UPDATED", dispute, "A dispute was updated")


def resolve(account: PaypalAccount, dispute: Payload, winner: Winner) -> None:
    """The end of a dispute: the buyer's money goes back, or the seller's is the seller's again."""
    if dispute["status"] == "RESOLVED":
        return
    reversal = account.reversals.get(dispute["dispute_id"])
    if winner == "buyer" and reversal is None:
        withdraw(account, dispute)
    elif winner == "seller" and reversal is not None:
        _undo(account, reversal)
    code = "RESOLVED_BUYER_FAVOUR" if winner == "buyer" else "RESOLVED_SELLER_FAVOUR"
    zero = shapes.money(dispute["dispute_amount"]["currency_code"], Decimal(0))
    dispute.update(
        status="RESOLVED",
        update_time=fine(account.clock()),
        dispute_outcome={
            "outcome_code": code,
            "amount_refunded": dispute["dispute_amount"] if winner == "buyer" else zero,
        },
    )
    account.emit("CUSTOMER.DISPUTE.RESOLVED", dispute, "A dispute was resolved")


def left_of(account: PaypalAccount, capture: Payload) -> Decimal:
    """What has not gone back of a capture."""
    if capture["status"] in ("PENDING", "DECLINED"):
        return Decimal(0)
    return Decimal(capture["amount"]["value"]) - _gone(account, capture)


def _rest(account: PaypalAccount, capture: Payload, amount: Decimal | None) -> Decimal:
    if capture["status"] == "PENDING":
        raise refused("PENDING_CAPTURE")
    if capture["status"] == "DECLINED":
        raise refused("CAPTURE_STATUS_NOT_VALID")
    left = left_of(account, capture)
    if not left:
        raise refused("CAPTURE_FULLY_REFUNDED")
    if amount is not None and amount > left:
        raise refused("REFUND_AMOUNT_EXCEEDED")
    return left if amount is None else amount


def _gone(account: PaypalAccount, capture: Payload) -> Decimal:
    order = account.capture(capture["id"])[0]
    return sum(
        (
            Decimal(each["amount"]["value"])
            for each in order.refunds
            if each["status"] == "COMPLETED"
        ),
        Decimal(0),
    )


def _taken(
    account: PaypalAccount, capture: Payload, amounts: tuple[Decimal, Decimal], named: Payload
) -> Payload:
    amount, fee = amounts
    order = account.capture(capture["id"])[0]
    total = _gone(account, capture) + amount
    id_ = account.ids.paypal()
    made = {**shapes.refund(id_, capture, (amount, fee, total), account.clock()), **named}
    order.refunds.append(made)
    account.refunds[id_] = (order, made)
    _restate(account, order, capture)
    account.ledger.write("out", capture["id"], id_, order.currency, amount)
    account.ledger.write("rebate", capture["id"], id_, order.currency, fee)
    return made


def _undo(account: PaypalAccount, refund_id: str) -> None:
    order, made = account.refunds[refund_id]
    made.update(status="CANCELLED", update_time=pacific(account.clock()))
    capture = order.captures[0]
    _restate(account, order, capture)
    amount = Decimal(made["amount"]["value"])
    account.ledger.write("back", capture["id"], refund_id, order.currency, amount)


def _restate(account: PaypalAccount, order: Order, capture: Payload) -> None:
    gone = _gone(account, capture)
    whole = Decimal(capture["amount"]["value"])
    capture["status"] = (
        "REFUNDED" if gone == whole else "PARTIALLY_REFUNDED" if gone else "COMPLETED"
    )
    capture["update_time"] = plain(account.clock())
    order.updated = account.clock()


def _disputed(account: PaypalAccount, dispute: Payload) -> Payload:
    transaction = dispute["disputed_transactions"][0]
    return account.capture(transaction["seller_transaction_id"])[1]


def _summary(made: Payload, word: str) -> str:
    amount = made["amount"]
    return f"A {amount['currency_code']} {amount['value']} capture payment was {word}"
