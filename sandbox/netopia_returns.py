"""Money that goes back at pretend NETOPIA: refunds that look all alike, and chargebacks."""

from decimal import Decimal
from typing import Literal

from sandbox.netopia_account import NetopiaAccount, Payment, Status
from sandbox.netopia_errors import invalid, over, unknown

_PAID = (Status.PAID, Status.CONFIRMED, Status.CREDIT)
_DISPUTED = (Status.CHARGEBACK, Status.REPRESENTMENT)

By = Literal["api", "panel"]


def left_of(payment: Payment) -> Decimal:
    """What can still be given back, in the currency of the start."""
    if payment.status not in _PAID:
        return Decimal(0)
    return payment.amount - payment.given_back


def refund(account: NetopiaAccount, payment: Payment, amount: Decimal | None, by: By) -> None:
    """Give back so much, of None all that is left: once more at each call, for there is no key.

    Its notice has the payment's name and first amount, and nothing that is the refund's own.
    """
    left = left_of(payment)
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise over()
    before = payment.told(payment.given_back)
    payment.refunded = (*payment.refunded, wanted)
    money = payment.told(payment.given_back) - before
    item = f"refund-{by}-{len(payment.refunded)}"
    account.ledger.write("out", payment.ntp_id, item, payment.told_currency, money)
    account.move(payment, Status.CREDIT)


def dispute(account: NetopiaAccount, payment: Payment, amount: Decimal | None) -> None:
    """The customer's bank asks for the whole payment back; no money moves yet."""
    if not left_of(payment):
        raise unknown()
    if amount is not None and amount != left_of(payment):
        raise invalid("amount: a chargeback is of the whole payment")
    account.move(payment, Status.CHARGEBACK)


def contest(account: NetopiaAccount, payment: Payment) -> None:
    """The seller answers; should he win, no notice of NETOPIA's is known to say so."""
    if payment.status is not Status.CHARGEBACK:
        raise unknown()
    account.move(payment, Status.REPRESENTMENT)


def lose(account: NetopiaAccount, payment: Payment) -> None:
    """The bank takes all that is left."""
    if payment.status not in _DISPUTED:
        raise unknown()
    payment.is_charged_back = True
    account.ledger.write(
        "out", payment.ntp_id, "chargeback", payment.told_currency, _disputed(payment)
    )
    account.move(payment, Status.CHARGEBACK_ACCEPTED)


def reverse(account: NetopiaAccount, payment: Payment) -> None:
    """What the bank took comes back: a guess at what `reversed` means."""
    if payment.status is not Status.CHARGEBACK_ACCEPTED:
        raise unknown()
    payment.is_charged_back = False
    account.ledger.write(
        "back", payment.ntp_id, "chargeback", payment.told_currency, _disputed(payment)
    )
    account.move(payment, Status.REVERSED)


def _disputed(payment: Payment) -> Decimal:
    return payment.told(payment.amount) - payment.told(payment.given_back)
