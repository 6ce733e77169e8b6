"""How an act of a person is locked and written: totals, reminders, attention, the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.allocation import Holding
from domain.attention import AttentionKind
from domain.errors import Refused, TryLater
from domain.invoices import Standing
from domain.trial import Extract, Trial, unapplied
from ledger.books import attention, holdings, holds, journal
from ledger.letters import reminders
from ledger.links import closing
from ledger.store import Books, columns

_HOLDS = (AttentionKind.REFUNDED, AttentionKind.DISPUTED)


@dataclass(frozen=True, slots=True)
class Word:
    """Who acts, and why; `today` is the seller's local day in his `zone`.

    A reason of None: none was asked for, and none given.
    """

    actor: str
    reason: str | None
    today: date
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Deed:
    """An act by its name, with what it is about before and after: rows and amounts, no person."""

    name: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def lock_invoice(books: Books, invoice_id: int) -> Extract:
    """Locks the payments of an invoice, then it and all else they are meant for; what is there.

    So whatever an act frees or opens, all money and all invoices it may concern are in hand.
    Refused when there is no such invoice; TryLater when another payment of it came meanwhile.
    """
    payment_ids = holdings.payments_of(books, invoice_id)
    holdings.lock_payments(books, payment_ids)
    holdings.lock_invoices_touched(books, payment_ids, [invoice_id])
    if holdings.payments_of(books, invoice_id) != payment_ids:
        raise TryLater(timedelta(milliseconds=50), "money for this invoice came meanwhile")
    return _extract(books, payment_ids, invoice_id)


def lock_payment_and_invoice(books: Books, payment_id: int, invoice_id: int) -> Extract:
    """Locks a payment, then an invoice and all that the payment is meant for; what is there.

    Refused when there is no such payment or invoice.
    """
    holdings.lock_payments(books, [payment_id])
    holdings.lock_invoices_touched(books, [payment_id], [invoice_id])
    found = _extract(books, [payment_id], invoice_id)
    if not found.payments:
        raise Refused("unknown_payment", "there is no such payment")
    return found


def carry_out(books: Books, trial: Trial, deed: Deed, word: Word) -> int:
    """Writes what an act comes to, under the locks it was judged by; answers the act's number.

    Reminders of what is no longer owed are cancelled. What is owed again is chased from today on,
    in a new cycle, because a person said so; where money that went back holds it, a person is
    shown that instead.
    """
    touched = _touched(trial)
    found = [
        each
        for payment in touched
        for each in unapplied(payment, trial.intents(payment.id), trial.invoices)
    ]
    changes = trial.changes(found)
    holdings.write_payments(books, changes.payments)
    _write_invoices(books, changes.invoices)
    _plan(books, trial.extract.invoices, changes.invoices, deed, word)
    attention.renew(books, [payment.id for payment in touched], found, word.actor)
    act = journal.Act(word.actor, deed.name, word.reason, deed.before, deed.after)
    return journal.record(books, act, changes.postings)


def _extract(books: Books, payment_ids: Sequence[int], invoice_id: int) -> Extract:
    found = holdings.extract(books, payment_ids, [invoice_id])
    if invoice_id not in found.invoices:
        raise Refused("unknown_invoice", "there is no such invoice")
    return found


def _touched(trial: Trial) -> list[Holding]:
    """Payments whose money, meaning or invoice's state is no longer what it was."""
    before = trial.extract
    changed = {
        id_
        for id_, invoice in trial.invoices.items()
        if invoice.state != before.invoices[id_].state
    }
    return [
        payment
        for payment in trial.holdings.values()
        if payment is not trial.before[payment.id]
        or list(trial.intents(payment.id)) != list(before.intents.get(payment.id, ()))
        or any(intent.invoice_id in changed for intent in trial.intents(payment.id))
    ]


def _write_invoices(books: Books, changed: Sequence[Standing]) -> None:
    rows = [
        (i.id, i.state.value, i.paid_minor, i.credited_minor, i.written_off_minor) for i in changed
    ]
    books.run(
        """
        UPDATE invoices i SET state = told.state, paid_minor = told.paid,
               credited_minor = told.credited, written_off_minor = told.written_off,
               updated_at = now()
        FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:paid AS bigint[]),
                    CAST(:credited AS bigint[]), CAST(:written_off AS bigint[]))
             AS told (id, state, paid, credited, written_off)
        WHERE i.id = told.id
        """,
        **columns(rows, ("ids", "states", "paid", "credited", "written_off")),
    )


def _plan(
    books: Books,
    before: Mapping[int, Standing],
    changed: Sequence[Standing],
    deed: Deed,
    word: Word,
) -> None:
    closed = [invoice.id for invoice in changed if not invoice.is_open]
    reminders.cancel(books, closed)
    closing.plan(books, [invoice.id for invoice in changed])
    for invoice in changed:
        if not invoice.is_open:
            attention.close(books, f"invoice:{invoice.id}", _HOLDS, word.actor, deed.name)
        elif before[invoice.id].is_open:
            continue
        elif reminders.is_chased(books, invoice.id):
            reminders.begin_anew(books, invoice.id, word.zone, word.today)
        else:
            holds.show(books, invoice)
