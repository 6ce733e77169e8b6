"""What a person says a payment is meant for: linked to an invoice, taken off it, given a client.

Every rule asks whether the books may follow; the money then moves by the same allocation that
serves what gateways tell.
"""

from collections.abc import Sequence
from datetime import date

from domain.allocation import Holding, Intent, assign, take_back
from domain.errors import Refused
from domain.invoices import InvoiceState, Standing
from domain.money import Money
from domain.trial import Trial, applied


def link(
    trial: Trial, payment_id: int, invoice_id: int, amount_minor: int | None, on: date
) -> bool:
    """Means the payment for the invoice too, after what it is meant for already, and applies it.

    `amount_minor` is the most that the payment gives to this invoice in all; None: no limit. False
    when that was said already. A link may grow, never shrink. Refused where client or currency
    differ, where the invoice is void, or where the payment has not so much credit.
    """
    payment, invoice = trial.holdings[payment_id], trial.invoices[invoice_id]
    _check(payment, invoice)
    intents = sorted(trial.intents(payment_id), key=lambda intent: intent.position)
    known = next((intent for intent in intents if intent.invoice_id == invoice_id), None)
    if known is not None and known.amount_minor == amount_minor:
        return False
    if known is not None and not _grows(known, amount_minor):
        raise Refused(
            "already_linked", f"the payment is linked to {_name(invoice)}; unlink it first"
        )
    _check_credit(trial, payment, invoice, amount_minor)
    if known is not None:
        rest = [intent for intent in intents if intent is not known]
        said = known._replace(amount_minor=amount_minor)
    else:
        rest = intents
        position = intents[-1].position + 1 if intents else 0
        said = Intent(payment_id, position, invoice_id, amount_minor)
    trial.mean(payment_id, (*rest, said))
    trial.post(assign(payment, invoice.client_id, on))
    trial.apply(payment_id, on)
    return True


def unlink(trial: Trial, payment_id: int, invoice_id: int, on: date) -> None:
    """Takes everything back that the payment gave the invoice, and clears the meaning.

    What is freed goes to what else the payment is meant for; other money for the invoice steps in.
    Refused where some of it is promised back by a refund that is under way.
    """
    payment = trial.holdings[payment_id]
    if payment.reserved_minor > payment.unapplied_minor:
        raise Refused("reserved", "a refund of this money is under way; wait until it has ended")
    posted = [each for each in trial.posted(payment_id) if each.invoice_id == invoice_id]
    given_minor = applied(posted).get(invoice_id, 0)
    trial.post(take_back(trial.invoices[invoice_id], posted, given_minor, on))
    rest = [each for each in trial.intents(payment_id) if each.invoice_id != invoice_id]
    trial.mean(payment_id, rest)
    for id_ in sorted(trial.holdings):
        trial.apply(id_, on)


def linked_to(trial: Trial, payment_id: int) -> Sequence[int]:
    """The invoices that the payment is meant for or applied to, in the order of their rows."""
    meant = {intent.invoice_id for intent in trial.intents(payment_id)}
    return sorted(meant | applied(trial.posted(payment_id)).keys())


def _check(payment: Holding, invoice: Standing) -> None:
    if payment.client_id not in (None, invoice.client_id):
        raise Refused("other_client", f"the payment is of another client than {_name(invoice)}")
    if payment.currency != invoice.currency:
        raise Refused(
            "other_currency",
            f"the payment is in {payment.currency}, {_name(invoice)} in {invoice.currency}",
        )
    if invoice.state is InvoiceState.VOID:
        raise Refused("void_invoice", f"{_name(invoice)} is void; nothing can pay it")


def _grows(known: Intent, amount_minor: int | None) -> bool:
    if known.amount_minor is None:
        return False
    return amount_minor is None or amount_minor > known.amount_minor


def _check_credit(
    trial: Trial, payment: Holding, invoice: Standing, amount_minor: int | None
) -> None:
    free_minor = payment.free_minor
    if not free_minor:
        raise Refused(
            "no_credit", "the payment has no unapplied credit; unlink it from an invoice first"
        )
    if amount_minor is None:
        return
    given_minor = trial.given_minor(payment.id, invoice.id)
    if amount_minor > given_minor + free_minor:
        free = Money(payment.currency, given_minor + free_minor)
        raise Refused("not_enough_credit", f"the payment has at most {free} for {_name(invoice)}")
    is_issued = invoice.state is InvoiceState.ISSUED
    if is_issued and amount_minor > given_minor + invoice.open_minor:
        takes = Money(invoice.currency, given_minor + invoice.open_minor)
        raise Refused("beyond_open", f"{_name(invoice)} takes at most {takes} of the payment")


def _name(invoice: Standing) -> str:
    return f"invoice {invoice.number}" if invoice.number else "the draft"
