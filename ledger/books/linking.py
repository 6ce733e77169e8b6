"""What a payment is meant for, and whose it is, when a person says so."""

from collections.abc import Sequence
from typing import Any

from domain import linking, returns
from domain.allocation import Intent
from domain.allocation import assign as assigned
from domain.errors import Refused
from domain.invoices import Standing
from domain.trial import Trial
from ledger.books import acting, clients, holdings, holds, invoices, payments
from ledger.books.acting import Deed, Word
from ledger.store import Books


def link(
    books: Books, payment_id: int, invoice_id: int, word: Word, amount_minor: int | None = None
) -> bool:
    """Means a payment for an invoice and applies it; False when that was said already.

    Up to `amount_minor` in all, in the payment's currency; None: whatever it has. Money of nobody
    known gets the invoice's client. A draft takes its money when it is issued. Locks the payment,
    then the invoices. Refused as `domain.linking.link` says, or when either is unknown.
    """
    trial = Trial(acting.lock_payment_and_invoice(books, payment_id, invoice_id))
    if not linking.link(trial, payment_id, invoice_id, amount_minor, word.today):
        return False
    _write_meaning(books, payment_id, trial.intents(payment_id))
    # What went back from the payment before was never money of this invoice: it holds nothing here.
    holds.say(books, invoice_id, word.actor, word.reason or "linked", payment_id)
    acting.carry_out(books, trial, _deed("link", trial, payment_id), word)
    return True


def unlink(books: Books, payment_id: int, word: Word, invoice_id: int | None = None) -> int:
    """Takes a payment off an invoice, which is owed again; answers the invoice.

    What is freed stays with the payment as credit, unless it is meant for something else too; other
    credit for the invoice steps in. No report of the payment links it again. Locks the payments of
    the invoice, then the invoices. Without `invoice_id`, the only one it is linked to. Refused when
    the payment is unknown, not linked, or linked to several and none is named.
    """
    invoice_id = invoice_id or _only(books, payment_id)
    trial = Trial(acting.lock_invoice(books, invoice_id))
    is_linked = payment_id in trial.holdings and (
        invoice_id in linking.linked_to(trial, payment_id)
    )
    if not is_linked:
        raise _not_linked(books, payment_id)
    linking.unlink(trial, payment_id, invoice_id, word.today)
    _write_meaning(books, payment_id, trial.intents(payment_id))
    acting.carry_out(books, trial, _deed("unlink", trial, payment_id), word)
    return invoice_id


def assign(books: Books, payment_id: int, client_id: int, word: Word) -> bool:
    """Gives money of nobody known its client, once; False when it is that client's already.

    It becomes unapplied credit. Locks the payment. Refused when either is unknown, or when the
    payment is another client's.
    """
    holdings.lock_payments(books, [payment_id])
    before = holdings.extract(books, [payment_id])
    if not before.payments:
        raise Refused("unknown_payment", "there is no such payment")
    if clients.find(books, client_id) is None:
        raise Refused("unknown_client", "there is no such client")
    payment = before.payments[0]
    if payment.client_id == client_id:
        return False
    if payment.client_id is not None:
        raise Refused("already_assigned", "the payment is another client's already")
    trial = Trial(before)
    trial.post(assigned(payment, client_id, word.today))
    trial.post(returns.own_losses(payment, trial.posted(payment_id), client_id, word.today))
    trial.give(payment_id, client_id)
    deed = Deed(
        "assign",
        before={"payment": payment_id, "client": None},
        after={"payment": payment_id, "client": client_id},
    )
    acting.carry_out(books, trial, deed, word)
    return True


def _only(books: Books, payment_id: int) -> int:
    """The one invoice that a payment is linked to, as seen without a lock."""
    linked = linking.linked_to(Trial(holdings.extract(books, [payment_id])), payment_id)
    if not linked:
        raise _not_linked(books, payment_id)
    if len(linked) > 1:
        found = [invoices.find(books, each) for each in linked]
        names = ", ".join(_name(invoice) for invoice in found if invoice)
        raise Refused("ambiguous", f"the payment is linked to {names}: name one with invoiceId")
    return linked[0]


def _not_linked(books: Books, payment_id: int) -> Refused:
    if payments.find(books, payment_id) is None:
        return Refused("unknown_payment", "there is no such payment")
    return Refused("not_linked", "the payment is not linked to this invoice, or to any")


def _write_meaning(books: Books, payment_id: int, intents: Sequence[Intent]) -> None:
    """Writes what the payment is meant for, as a person said it: what reports name counts no more.

    Hold the payment's lock and those of the invoices.
    """
    books.run(
        "DELETE FROM intents WHERE payment_id = :id AND position <> ALL (CAST(:kept AS integer[]))",
        id=payment_id,
        kept=[intent.position for intent in intents],
    )
    for intent in intents:
        books.run(
            "INSERT INTO intents (payment_id, position, invoice_id, amount_minor)"
            " VALUES (:payment, :position, :invoice, :amount)"
            " ON CONFLICT ON CONSTRAINT intents_pkey"
            " DO UPDATE SET amount_minor = excluded.amount_minor",
            payment=payment_id,
            position=intent.position,
            invoice=intent.invoice_id,
            amount=intent.amount_minor,
        )
    books.run("UPDATE payments SET is_meaning_said = true WHERE id = :id", id=payment_id)


def _deed(name: str, trial: Trial, payment_id: int) -> Deed:
    was = trial.before[payment_id]
    return Deed(
        name,
        before=_told(payment_id, was.client_id, trial.extract.intents.get(payment_id, ())),
        after=_told(payment_id, trial.holdings[payment_id].client_id, trial.intents(payment_id)),
    )


def _told(payment_id: int, client_id: int | None, intents: Sequence[Intent]) -> dict[str, Any]:
    return {
        "payment": payment_id,
        "client": client_id,
        "meant_for": [
            {"invoice": intent.invoice_id, "up_to_minor": intent.amount_minor}
            for intent in sorted(intents, key=lambda intent: intent.position)
        ],
    }


def _name(invoice: Standing) -> str:
    return invoice.number or f"draft {invoice.id}"
